"""A robot is small: what it loads can be installed on a small board."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[5]
ALLOWED = {
    "aiomqtt", "antiphon", "cffi", "_cffi_backend", "numpy", "paho", "_sounddevice", "sounddevice",
    "soxr", "_webrtcvad", "webrtcvad", "typing_extensions", "dns", "idna",
}  # fmt: skip
"""What a robot is installed with, and what these bring, or use if it is there (dns)."""
SCRIPT = """
import sys
before = set(sys.modules)
import antiphon.transports.mqtt.robot.robot
from antiphon.runtime.echo.canceller import EchoCanceller
from antiphon.runtime.audio.device_supervisor import SoundCards
from antiphon.transports.mqtt.robot import tool_file
from antiphon.transports import lifecycle
from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor
from antiphon.transports.mqtt.robot.voice_gate import VoiceGate
import numpy as np
frame = np.zeros(320, np.float32)
VoiceGate().step(frame, hold=True)
MicrophoneProcessor(EchoCanceller(aec3=False)).step(frame, np.zeros(441, np.float32), sounding=True)
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(tops - set(sys.stdlib_module_names)))
"""


def test_the_robot_loads_no_models():
    paths = f"{ROOT / 'agent'}:{ROOT / 'codecs'}"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PYTHONPATH": paths, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert loaded >= {"antiphon", "numpy", "aiomqtt", "webrtcvad"}
    assert loaded <= ALLOWED
