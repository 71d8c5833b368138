"""A sound card of software: a private PulseAudio whose sink's monitor is the microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

ALSA = """
pcm.default { type pulse }
ctl.default { type pulse }
pcm.robot { type pulse device spk }
"""
TOOLS = "pulseaudio", "pactl", "pacat"


def missing():
    """Why there is none here, or an empty text."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is not installed (tools/system_packages.sh does it)"
    if not list(Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so")):
        return "libasound2-plugins is not installed (tools/system_packages.sh does it)"
    return ""


class Pulse:
    """A PulseAudio daemon of one's own; `environment` leads libraries to it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.chmod(0o700)
        (self.folder / "alsa.conf").write_text(ALSA)
        socket = self.folder / "socket"
        self.environment = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{socket}",
            "ALSA_CONFIG_PATH": str(self.folder / "alsa.conf"),
        }
        commands = self.folder / "start.pa"
        commands.write_text(
            f"load-module module-native-protocol-unix auth-anonymous=1 socket={socket}\n"
        )
        self.card = None
        self.log = (self.folder / "log").open("w")
        self.daemon = subprocess.Popen(
            ["pulseaudio", "-n", "-F", commands, "--daemonize=no", "--exit-idle-time=-1",
             "--use-pid-file=no", "--high-priority=no"],
            env=os.environ | self.environment, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not socket.exists():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)

    def control(self, *words):
        """Runs pactl; what it says."""
        done = subprocess.run(
            ["pactl", *words], env=os.environ | self.environment, timeout=20,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def plug(self, rate=48_000):
        """Connects the sound card, unless it is connected at this rate."""
        if self.card is not None and self.rate == rate:
            return
        self.unplug()
        words = "load-module", "module-null-sink", "sink_name=spk", f"rate={rate}"
        self.card, self.rate = self.control(*words), rate
        self.control("set-default-sink", "spk")
        self.control("set-default-source", "spk.monitor")
        # A null sink that is idle wakes up every two seconds; silence keeps it running.
        self.silence = subprocess.Popen(
            ["pacat", "--raw", "--latency-msec=20", "/dev/zero"],
            env=os.environ | self.environment,
            stdout=self.log,
            stderr=self.log,
        )

    def unplug(self):
        """Takes the sound card away."""
        if self.card is not None:
            self.control("unload-module", self.card)
            self.card = None
            self.silence.terminate()
            self.silence.wait()

    def close(self):
        if self.card is not None:
            self.silence.terminate()
            self.silence.wait()
        self.daemon.terminate()
        try:
            self.daemon.wait(10)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.log.close()
