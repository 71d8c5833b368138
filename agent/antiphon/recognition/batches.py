"""Several recordings at once: their utterances are heard in batches, whichever they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.recognition.long_audio import LongAudio, merged
from antiphon.recognition.segmentation import Utterance
from antiphon.recognition.transcript import Options, Transcript

Sound = NDArray[np.float32]

BATCH = 8
"""Utterances that are heard at once."""
GATHERED = 4 * BATCH
"""Utterances that wait until those of about the same length are heard: so a batch waits less for
its longest."""


@dataclass
class _Recording:
    """A recording as far as it was read."""

    length: int = 0
    """Samples so far."""
    waiting: int = 0
    """Utterances that are not heard yet."""
    over: bool = False
    heard: dict[int, Transcript] = field(default_factory=dict)
    """By the first sample of the utterance."""
    failed: UserError | None = None

    def counted(self, pieces: Iterable[Sound]) -> Iterator[Sound]:
        """The pieces [N], which are counted."""
        for pcm in pieces:
            self.length += len(pcm)
            yield pcm

    def result(self, name: str) -> Transcript | UserError:
        """The transcript, or why there is none."""
        said = [each for _, each in sorted(self.heard.items()) if each.text]
        return self.failed or merged(said, self.length, name)


def transcribe_all(
    listener: LongAudio, recordings: Iterable[Iterable[Sound]], options: Options | None = None
) -> Iterator[Transcript | UserError]:
    """The transcripts of recordings in their order: those of each by itself.

    Memory does not grow with the recordings but for their texts.

    Args:
        listener: transcribes.
        recordings: each in pieces [N], mono, 16 kHz.
        options: of all.

    Yields:
        A transcript; or what a recording raised while it was read, which harms no other.
    """
    wanted = listener.start(options).options
    begun: list[_Recording] = []
    waiting: list[tuple[_Recording, Utterance]] = []

    def hear() -> None:
        waiting.sort(key=lambda pair: len(pair[1].pcm))
        for first in range(0, len(waiting), BATCH):
            batch = waiting[first : first + BATCH]
            heard = listener.hear([utterance for _, utterance in batch], wanted)
            for (recording, utterance), said in zip(batch, heard, strict=True):
                recording.heard[utterance.start] = said
                recording.waiting -= 1
        waiting.clear()

    def done() -> Iterator[Transcript | UserError]:
        while begun and begun[0].over and not begun[0].waiting:
            yield begun.pop(0).result(listener.name)

    for pieces in recordings:
        recording = _Recording()
        begun.append(recording)
        try:
            for utterance in listener.utterances(recording.counted(pieces)):
                waiting.append((recording, utterance))
                recording.waiting += 1
                if len(waiting) >= GATHERED:
                    hear()
        except UserError as error:
            recording.failed = error
        recording.over = True
        yield from done()
    hear()
    yield from done()
