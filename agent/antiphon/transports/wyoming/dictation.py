"""Speech to text: a stream of sound in, sentences out as their speaker pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from wyoming.audio import AudioChunk

from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.frames import FRAME, RATE, Frame
from antiphon.runtime.responders.responder import Responder, SpeechStream
from antiphon.transports.wyoming.events import RefusedError

PAUSE_SECONDS = 0.8
"""Seconds of silence after which a long utterance is transcribed while the next one is heard."""
LONG_SECONDS = 6.0
"""Seconds from which an utterance is long; commands are shorter and are transcribed as a whole."""
RATES = range(4_000, 192_001)
WIDTHS = (1, 2, 3, 4)
CHANNELS = range(1, 9)


class Activity(Protocol):
    """What is known of a frame."""

    @property
    def speech(self) -> bool:
        """Whether there is speech in it."""


class Dictation:
    """One recording while it arrives; called in the models' thread.

    Long recordings are heard utterance by utterance, so memory and delay do not grow with them, and
    what was transcribed once never changes.

    Args:
        responder: hears.
        detect: tells whether there is speech in a frame [320].
        longest: seconds after which an utterance is cut though nobody pauses.
    """

    def __init__(
        self, responder: Responder[Any], detect: Callable[[Frame], Activity], longest: float
    ) -> None:
        self._responder, self._detect = responder, detect
        self._longest = int(longest * RATE)
        self._stream: SpeechStream = responder.listen(())
        self._rest = np.zeros(0, np.float32)
        self._rate, self._resample = RATE, Resampler(RATE, RATE)
        self._length = self._silence = 0
        """Samples of the utterance, and of the silence at its end."""

    def feed(self, chunk: AudioChunk) -> list[str]:
        """Hear a chunk.

        Returns:
            The utterances that ended in it.

        Raises:
            RefusedError: It holds no sound that can be heard.
        """
        pcm = samples(chunk)
        if chunk.rate != self._rate:
            self._rest = np.concatenate([self._rest, self._resample.flush()])
            self._rate, self._resample = chunk.rate, Resampler(chunk.rate, RATE)
        return self._hear(self._resample(pcm))

    def finish(self) -> list[str]:
        """The rest of it."""
        heard = self._hear(self._resample.flush())
        self._stream.feed(self._rest)
        return [*heard, *self._transcribe()]

    def _hear(self, pcm: NDArray[np.float32]) -> list[str]:
        pcm = np.concatenate([self._rest, pcm])
        whole = len(pcm) // FRAME * FRAME
        self._rest, begin, texts = pcm[whole:], 0, []
        for end in range(FRAME, whole + 1, FRAME):
            speech = self._detect(pcm[end - FRAME : end]).speech
            self._silence = 0 if speech else self._silence + FRAME
            self._length += FRAME
            pauses = self._silence >= PAUSE_SECONDS * RATE and self._length > LONG_SECONDS * RATE
            if pauses or self._length >= self._longest:
                self._stream.feed(pcm[begin:end])
                begin = end
                texts += self._transcribe()
                self._stream, self._length = self._responder.listen(()), 0
        self._stream.feed(pcm[begin:whole])
        return texts

    def _transcribe(self) -> list[str]:
        heard = self._stream.finish()
        text = heard.text.strip()
        return [text] if text and heard.doubt is None else []


def samples(chunk: AudioChunk) -> NDArray[np.float32]:
    """Sound of a chunk, [N] mono in [-1, 1].

    Raises:
        RefusedError: Its format makes no sense, or its bytes do not fit it.
    """
    rate, width, channels = chunk.rate, chunk.width, chunk.channels
    if not all(type(each) is int for each in (rate, width, channels)) or not (
        rate in RATES and width in WIDTHS and channels in CHANNELS
    ):
        raise RefusedError(
            "Sound must have 4,000 to 192,000 samples a second, 1 to 4 bytes each, 1 to 8 channels."
        )
    payload = chunk.audio
    if len(payload) % (width * channels):
        raise RefusedError(f"{len(payload)} bytes are no whole number of samples.")
    data = np.frombuffer(payload, np.uint8).reshape(-1, width)
    wide = np.zeros((len(data), 4), np.uint8)
    wide[:, 4 - width :] = data if width > 1 else data ^ 0x80  # bytes are the only ones unsigned
    pcm = wide.view("<i4").reshape(-1, channels).astype(np.float32) / np.float32(2**31)
    return pcm.mean(1, dtype=np.float32)
