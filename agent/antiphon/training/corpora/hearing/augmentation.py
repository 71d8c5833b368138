"""Audio augmentation: speed, room, noise and level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import datasets
from antiphon.recognition.whisper.features import SAMPLE_RATE

Sound = NDArray[np.float32]


class Augment:
    """Random speed and pitch, room, noise and level.

    Resampling changes speed and pitch together; the voices themselves differ in pitch at equal
    speed.

    Args:
        data: folder with `noise` and `rir` (docs/data.md); a missing folder is skipped.
    """

    def __init__(self, data: Path) -> None:
        self.noises = _recordings(data / "noise")
        self.rooms = _recordings(data / "rir")

    def __call__(self, pcm: Sound, rng: np.random.Generator) -> Sound:
        """Augment samples [N] at 16 kHz; the length may change."""
        if rng.random() < 0.7:
            pcm = resample(pcm, float(rng.uniform(0.88, 1.12)))
        if self.rooms and rng.random() < 0.4:
            pcm = self.room(pcm, self.rooms[rng.integers(len(self.rooms))])
        pcm = np.pad(pcm, rng.integers(0, SAMPLE_RATE // 2, 2))
        if self.noises and rng.random() < 0.5:
            noise = self.noises[rng.integers(len(self.noises))]
            pcm = self.mix(pcm, noise, float(rng.uniform(5, 30)), rng)
        loudest = float(np.abs(pcm).max()) or 1.0
        level = 10 ** float(rng.uniform(-1.3, 0))
        return np.asarray(pcm * (level / loudest), np.float32)

    @staticmethod
    def room(pcm: Sound, response: Sound) -> Sound:
        """Convolve `pcm` with a room impulse response; direct sound keeps its time and level."""
        size = len(pcm) + len(response)
        wet = np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(response, size), size)
        direct = int(np.abs(response).argmax())
        return np.asarray(wet[direct : direct + len(pcm)] / np.abs(response[direct]), np.float32)

    @staticmethod
    def mix(pcm: Sound, noise: Sound, decibel: float, rng: np.random.Generator) -> Sound:
        """Add a random cut of `noise` to `pcm` at an SNR of `decibel` dB."""
        start = int(rng.integers(len(noise)))
        cut = np.take(noise, np.arange(start, start + len(pcm)), mode="wrap")
        loud = float(np.square(cut).mean()) + 1e-12
        gain = np.sqrt(float(np.square(pcm).mean()) / loud * 10 ** (-decibel / 10))
        return np.asarray(pcm + gain * cut, np.float32)


def resample(pcm: Sound, speed: float) -> Sound:
    """Play `pcm` at `speed` times its speed."""
    import soxr

    return np.asarray(soxr.resample(pcm, SAMPLE_RATE * speed, SAMPLE_RATE), np.float32)


def _recordings(folder: Path) -> list[Sound]:
    import soundfile

    if not folder.exists():
        return []
    sounds = []
    for row in datasets.clips(folder):
        pcm, rate = soundfile.read(row["audio"], dtype="float32")
        pcm = pcm if pcm.ndim == 1 else pcm[:, 0]
        sounds.append(pcm if rate == SAMPLE_RATE else resample(pcm, rate / SAMPLE_RATE))
    return [sound for sound in sounds if len(sound) and np.abs(sound).max() > 0]
