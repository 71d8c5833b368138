"""From samples that were really heard to the words that were really heard."""

from __future__ import annotations

from antiphon.messages import Speech, Word

CUT = "—"
"""Marks a reply that was interrupted, in what the language model remembers."""


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

    def heard(self, samples: int) -> str:
        """The text of the words heard in the first `samples` samples of the reply.

        A word is heard when its middle is.
        """
        count = sum(word.start + word.end <= 2 * samples for word in self.words)
        return self.text[: self._ends[count - 1]].strip() if count else ""

    def begun(self, samples: int, after: int) -> list[str]:
        """Words that begin before sample `samples`, the first `after` of them left out."""
        return [word.text for word in self.words[after:] if word.start < samples]


def remembered(script: SpokenWords, samples: int, length: int, *, complete: bool) -> str:
    """What the history should hold of a reply.

    Args:
        script: of the reply.
        samples: heard of it.
        length: all its samples so far.
        complete: whether that is the whole reply.
    """
    heard = script.heard(samples)
    if complete and (samples >= length or (heard and heard == script.heard(length))):
        return script.text.strip()
    said = heard.rstrip(",;: ")
    return f"{said}{CUT}" if said else CUT
