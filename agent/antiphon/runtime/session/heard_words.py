"""From samples that were really heard to the words that were really heard."""

from __future__ import annotations

from antiphon.messages import Speech, Word

CUT = "—"
"""Marks a reply that was interrupted, in what the language model remembers."""


class SampleRanges:
    """A set of samples.

    Args:
        samples: the first so many are in it.
    """

    def __init__(self, samples: int = 0) -> None:
        self._ranges = [(0, samples)] if samples > 0 else []
        """In order, with gaps between them."""

    @property
    def end(self) -> int:
        """One more than the last sample; 0 if there is none."""
        return self._ranges[-1][1] if self._ranges else 0

    @property
    def count(self) -> int:
        """How many samples there are."""
        return sum(stop - start for start, stop in self._ranges)

    def __contains__(self, sample: int) -> bool:
        """Whether a sample is one of them."""
        return any(start <= sample < stop for start, stop in self._ranges)

    def add(self, start: int, stop: int) -> None:
        """Add the samples from `start` to before `stop`, in whatever order."""
        if start >= stop:
            return
        apart = [each for each in self._ranges if each[1] < start or each[0] > stop]
        if len(apart) < len(self._ranges):
            joined = [each for each in self._ranges if each not in apart]
            start, stop = min(start, joined[0][0]), max(stop, joined[-1][1])
        self._ranges = sorted([*apart, (start, stop)])


class SpokenWords:
    """The text of a reply while it is being made, and where its words sound."""

    def __init__(self) -> None:
        self.text = ""
        """The segments so far."""
        self.words: list[Word] = []
        """Their words, in order."""
        self._ends: list[int] = []
        """Where each word ends in the text."""
        self._segment = ""
        self._over = True

    def add(self, piece: Speech) -> None:
        """Take note of a piece: a segment's words come on its first, its units on its last."""
        if piece.words or self._over or piece.text != self._segment:
            at = len(self.text)
            self.text += piece.text
            self._segment = piece.text
            for word in piece.words:
                found = self.text.find(word.text, at)
                at = found + len(word.text) if found >= 0 else at
                self.words.append(word)
                self._ends.append(at)
        self._over = bool(piece.units)

    @property
    def tail(self) -> str:
        """The text behind the last word."""
        return self.text[self._ends[-1] :] if self._ends else self.text

    def was_heard(self, index: int, heard: SampleRanges) -> bool:
        """Whether a word was heard, which is when its middle was."""
        word = self.words[index]
        return max((word.start + word.end + 1) // 2 - 1, 0) in heard

    def heard(self, heard: SampleRanges) -> str:
        """The text of the words that were heard; a dash stands for words that were lost before it.

        Args:
            heard: samples of the reply.
        """
        said, last = "", -1
        for index, end in enumerate(self._ends):
            if self.was_heard(index, heard):
                begin = self._ends[index - 1] if index else 0
                said += self.text[begin:end] if last == index - 1 else CUT + self.text[begin:end]
                last = index
        return said.strip()

    def begun(self, samples: int, after: int) -> list[str]:
        """Words that begin before sample `samples`, the first `after` of them left out."""
        return [word.text for word in self.words[after:] if word.start < samples]


def remembered(script: SpokenWords, heard: SampleRanges, length: int, *, complete: bool) -> str:
    """What the history should hold of a reply.

    Args:
        script: of the reply.
        heard: samples of it.
        length: all its samples so far.
        complete: whether that is the whole reply.
    """
    if complete and heard.count >= length:
        return script.text.strip()
    said = script.heard(heard)
    if said and complete and script.was_heard(-1, heard):
        return (said + script.tail).strip()
    said = said.rstrip(",;: ")
    return f"{said}{CUT}" if said else CUT
