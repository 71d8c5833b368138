"""What was sent of a reply, to the sample, so that what was heard of it is known to the word."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.messages import Word
from antiphon.runtime.session.heard_words import SampleRanges, SpokenWords, remembered
from antiphon.runtime.session.playback import Reply, Span


class SentReply:
    """A reply on its way to a client: one continuous piece of sound.

    Pauses are part of it, so its samples and the conversation's positions run side by side.

    Args:
        reply: that was begun.
        position: of its first frame in the conversation's output.
        rates: of the conversation's output and of the sound that is sent.
    """

    def __init__(self, reply: Reply, position: int, rates: tuple[int, int]) -> None:
        self.generation, self.begin = reply.generation, position
        self.script: SpokenWords = reply.script
        """Its text and its words, as far as they are made."""
        self.samples = 0
        """Samples that were sent, at the rate of the client."""
        self.finished = False
        """Whether nothing more will be sent of it."""
        self._reply: Reply | None = reply
        self._length, self._complete = 0, False
        self._rates = rates
        self._runs: list[list[int]] = []
        """[position, sample of the reply, count] of every run without a pause."""

    def add(self, span: Span | None) -> None:
        """Note what a frame holds of the reply; None: it is a pause."""
        if span is None:
            return
        last = self._runs[-1] if self._runs else None
        if last and last[0] + last[2] == span.at and last[1] + last[2] == span.start:
            last[2] += span.count
        else:
            self._runs.append([span.at, span.start, span.count])

    def finish(self) -> None:
        """Nothing more will be sent; the sound itself is let go."""
        if self._reply is not None:
            self._length, self._complete = self._reply.length, self._reply.complete
        self.finished, self._reply = True, None

    @property
    def text(self) -> str:
        """All of its text that was made so far."""
        return self.script.text.strip()

    @property
    def duration_ms(self) -> int:
        """Milliseconds that were sent."""
        return self.samples * 1000 // self._rates[1]

    def position(self, samples: int) -> int:
        """The conversation's position of a sample of the client's."""
        return self.begin + samples * self._rates[0] // self._rates[1]

    def heard_text(self, samples: int) -> str:
        """The words that were heard if the client played so many samples."""
        return self.script.heard(self._heard(samples))

    def remembered(self, samples: int) -> str:
        """What the language model should remember if the client played so many samples."""
        length = self._reply.length if self._reply else self._length
        complete = self._reply.complete if self._reply else self._complete
        return remembered(self.script, self._heard(samples), length, complete=complete)

    def words(self, after: int = 0) -> Sequence[tuple[Word, int, int]]:
        """Words whose first sample was sent, with where they sound in what was sent.

        Args:
            after: the first so many are left out.

        Returns:
            Each word with its first and last millisecond in the client's sound.
        """
        found = []
        for word in self.script.words[after:]:
            start = self._sounds_at(word.start)
            if start is None:
                break
            length = (word.end - word.start) * 1000 // self._rates[0]
            found.append((word, start, start + length))
        return found

    def _sounds_at(self, sample: int) -> int | None:
        """Millisecond in which a sample of the reply sounds; None: it was not sent."""
        for at, start, count in self._runs:
            if start <= sample < start + count:
                return (at - self.begin + sample - start) * 1000 // self._rates[0]
        return None

    def _heard(self, samples: int) -> SampleRanges:
        heard, until = SampleRanges(), self.position(samples)
        for at, start, count in self._runs:
            heard.add(start, start + max(0, min(count, until - at)))
        return heard
