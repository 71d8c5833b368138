#!/usr/bin/env bash
# Makes a virtual environment and installs the project into it, so that the sources stay editable.
#
#   tools/setup.sh [EXTRA,EXTRA…]
#
# VENV         where (default: .venv)
# PYTHON       which Python makes it (default: the newest of 3.10 to 3.13 that is found)
# TORCH_INDEX  package index to take PyTorch from; on a machine without an NVIDIA GPU the default
#              is PyTorch's own index of CPU builds, if it answers
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
cpu_index=https://download.pytorch.org/whl/cpu
export PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 # compiling all of PyTorch takes a minute

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Antiphon needs Python 3.10 to 3.13: install one, or name it with PYTHON=…" >&2
    return 1
}

answers() {
    timeout 3 "$venv/bin/python" - "$1/" 2>/dev/null <<'PROBE'
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=3)
PROBE
}

# PyPI's Linux builds of PyTorch bring gigabytes of GPU libraries; without a GPU, prefer one that
# does not. What is installed first stays, since it satisfies pyproject.toml.
install_torch() {
    if "$venv/bin/python" -c 'import torch' 2>/dev/null; then return; fi
    local index=${TORCH_INDEX:-}
    if [ -z "$index" ]; then
        if [ "$(uname)" != Linux ] || compgen -G '/dev/nvidia*' >/dev/null; then return; fi
        if answers "$cpu_index"; then index=$cpu_index; fi
    fi
    if [ -n "$index" ]; then
        "$venv/bin/python" -m pip install --index-url "$index" 'torch>=2.5' && return
        echo "PyTorch could not be installed from $index; trying the usual index." >&2
    fi
    # A fixed release lets a local wheel of the CPU build win over a newer GPU build.
    "$venv/bin/python" -m pip install 'torch==2.13.0' ||
        "$venv/bin/python" -m pip install 'torch>=2.5'
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$(find_python)" -m venv --clear "$venv"
fi
install_torch
"$venv/bin/python" -m pip install --editable ".${1:+[$1]}"
# Tests compare with Meta's encodec. It asks for torchaudio, which the tests do not need and whose
# builds fit only one build of PyTorch each.
case ",${1:-}," in *,dev,*) "$venv/bin/python" -m pip install --no-deps 'encodec==0.1.1' ;; esac
