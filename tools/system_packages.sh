#!/usr/bin/env bash
# Installs the Debian packages that sound and its tests need, if this machine lets it; if not, it
# names them and goes on. Tests that miss one are skipped and say so.
set -uo pipefail

# libportaudio2 is all the microphone and the speaker need; the next ones make a sound card of
# software, for the tests. mosquitto is the broker of the tests; they start their own. libopus0
# carries sound to robots in fewer bytes. chromium opens the page.
packages=(libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins mosquitto libopus0 chromium)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null) || true
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

install() {
    local options=(--quiet=2 --assume-yes --no-install-recommends)
    export DEBIAN_FRONTEND=noninteractive
    apt-get "${options[@]}" install "${missing[@]}" ||
        { apt-get --quiet=2 update && apt-get "${options[@]}" install "${missing[@]}"; }
}

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && said=$(install 2>&1); then
    case " ${missing[*]} " in # nobody asked for a broker that runs
    *" mosquitto "*) systemctl disable --now mosquitto >/dev/null 2>&1 || true ;;
    esac
    exit 0
fi
if [ -n "${said:-}" ]; then tail -n 3 <<<"$said" >&2; fi
echo "Not installed: ${missing[*]}. On Debian and Ubuntu: sudo apt install ${missing[*]}" >&2
