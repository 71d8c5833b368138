"""When a sound file has been answered."""

from __future__ import annotations

import numpy as np
import soundfile

from antiphon.runtime.audio.file_device import IDLE_FRAMES, EndOfFile, SoundFiles
from antiphon.runtime.audio.simulated_device import Simulated


def test_a_file_is_answered_when_nothing_has_followed_its_end_for_two_seconds(tmp_path):
    soundfile.write(tmp_path / "in.wav", np.zeros(16_000), 16_000)
    files = SoundFiles(tmp_path / "in.wav", None, 22_050, tail=20.0)
    end, steps = EndOfFile(files), 0
    for frame, _ in enumerate(files):
        speaking = 100 <= frame < 300
        if end.step(idle=not speaking):
            break
        steps = frame + 1
    assert steps == 300 + IDLE_FRAMES - 1


def test_a_device_has_no_end():
    device = Simulated(np.zeros(16_000, np.float32), 22_050)
    end = EndOfFile(device)
    assert not any(end.step(idle=True) for _ in range(1000))
