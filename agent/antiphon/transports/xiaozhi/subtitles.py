"""Subtitles: a sentence is shown when its first word is spoken, as far as it is written by then."""

from __future__ import annotations

import re

from antiphon.t2c.trigger import NOT_AN_END

END = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n")


class Subtitles:
    """Those of one reply."""

    def __init__(self) -> None:
        self._spoken = self._shown = 0
        """Characters of the reply that were spoken, and shown."""

    def next(self, words: str, text: str) -> str | None:
        """What to show now; None: it is shown already.

        Args:
            words: that begin to sound.
            text: of the reply, as far as it is written.
        """
        begin = None
        for word in words.split():
            found = text.find(word, self._spoken)
            if found >= 0:
                begin = found if begin is None else begin
                self._spoken = found + len(word)
        if begin is None or self._spoken <= self._shown:
            return None
        begin = max(begin, self._shown)
        self._shown = end = max(self._end(text, begin), self._spoken)
        return " ".join(text[begin:end].split()) or None

    def _end(self, text: str, begin: int) -> int:
        """Where the sentence that goes on at `begin` ends."""
        for found in END.finditer(text, begin):
            if not NOT_AN_END.search(text[begin : found.end()]):
                return found.end()
        return len(text)
