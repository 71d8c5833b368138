"""Speech of a synthesizer with the mouth that says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.lips.lip_pictures import FPS
from antiphon.training.corpora.hearing.timed_speech import PAUSE, spoken_phones
from antiphon.training.corpora.lips.renderer import (
    HELD_OUT,
    Camera,
    Pictures,
    Speaker,
    film,
)
from antiphon.training.corpora.lips.visemes import Sound, labels


@dataclass(frozen=True)
class TalkingHead:
    """A sentence that is heard and seen."""

    pcm: NDArray[np.float32]
    """[N] at 16 kHz."""
    pictures: Pictures
    """[T, 32, 32] brightness 0 to 1, 25 a second, as long as the sound."""
    visemes: NDArray[np.int64]
    """[T] places in `VISEMES`."""
    text: str


def talking_head(
    text: str, voice: str, number: int, seed: int, *, held_out: bool = False
) -> TalkingHead:
    """A sentence said by a voice of flite and a drawn mouth.

    Args:
        text: what is said.
        voice: of flite.
        number: of the speaker whose mouth it is.
        seed: of the camera and of all that is left to chance.
        held_out: whether the speaker is one for evaluation only.
    """
    pcm, phones = spoken_phones(voice, text)
    sounds = [Sound(name, start, end) for name, start, end in phones if name != PAUSE]
    seconds = len(pcm) / 16_000
    speaker = Speaker.draw(number % HELD_OUT + HELD_OUT * held_out)
    camera = Camera.draw(np.random.default_rng([seed, 9]))
    pictures = film(sounds, seconds, speaker, camera, seed)
    times = (np.arange(len(pictures)) + 0.5) / FPS
    return TalkingHead(pcm, pictures, labels(sounds, times), text)
