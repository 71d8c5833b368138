"""What the sound library says: nothing on the terminal, and one sentence when it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fake_portaudio import FakePortAudio, Gear, PortAudioError

from antiphon.errors import UserError
from antiphon.runtime.audio.device_supervisor import SoundCards
from antiphon.runtime.audio.portaudio import reason

NOISE = """
import os, sys
from antiphon.runtime.audio.portaudio import quiet
with quiet():
    os.write(2, b"ALSA lib pcm.c: Unknown PCM cards.pcm.rear\\n")
    print("mine", file=sys.stderr)
    with quiet():
        os.write(2, b"Expression failed\\n")
os.write(2, b"after\\n")
print("also mine", file=sys.stderr)
"""


def test_libraries_are_quiet_and_python_is_not():
    done = subprocess.run([sys.executable, "-c", NOISE], capture_output=True, text=True, timeout=60)
    assert sorted(done.stderr.splitlines()) == ["after", "also mine", "mine"]
    assert done.returncode == 0 and not done.stdout


def test_a_program_without_standard_error_goes_on():
    program = (
        "import os; os.close(2); from antiphon.runtime.audio.portaudio import quiet\n"
        "with quiet(): print('on')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout == b"on\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Error opening: Device unavailable", -9985), "busy or gone"),
        (("Error opening: Invalid sample rate", -9997), "none of the usual sample rates"),
        (
            ("Error opening: Unanticipated host error", -9999, (8, -13, "Permission denied")),
            "Permission denied: allow this program to use it",
        ),
        (("Error opening: Internal error.",), "Internal error: choose another device"),
        (("", -1), "no reason given"),
    ],
)
def test_every_refusal_has_a_reason(arguments, words):
    assert words in reason(PortAudioError(*arguments))


def test_a_forbidden_microphone_is_one_sentence(monkeypatch):
    world = FakePortAudio(Gear("mic", 1, 1))

    def refuse(**options):
        raise PortAudioError("Unanticipated host error", -9999, (8, -13, "Permission denied"))

    monkeypatch.setattr(world, "RawInputStream", refuse)
    with pytest.raises(UserError, match="microphone 'mic' .*Permission denied: allow this program"):
        SoundCards(22_050, lambda event: None, portaudio=world, clock=world).__enter__()
