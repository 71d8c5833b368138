"""Reasoning that a model writes into its answer, between `<think>` and `</think>`."""

from __future__ import annotations

import re

OPEN, CLOSE = "<think>", "</think>"


class ReasoningFilter:
    """Leaves the reasoning out of a text that comes in pieces, however it is cut."""

    def __init__(self) -> None:
        self.found = False
        """Whether there was any."""
        self._thinking = False
        self._held = ""
        """The last characters, if they may be the beginning of a mark."""

    def feed(self, text: str) -> str:
        """The next piece without its reasoning; what may be the beginning of a mark is held."""
        *parts, rest = re.split(f"({OPEN}|{CLOSE})", self._held + text)
        said = ""
        for part in parts:
            if part in (OPEN, CLOSE):
                self._thinking = part == OPEN
                self.found |= self._thinking
            elif not self._thinking:
                said += part
        ends = (rest[-length:] for length in range(len(CLOSE) - 1, 0, -1))
        self._held = next((end for end in ends if begins_mark(end)), "")
        return said if self._thinking else said + rest.removesuffix(self._held)

    def finish(self) -> str:
        """What was held, now that nothing more comes."""
        held, self._held = self._held, ""
        return "" if self._thinking else held


def begins_mark(text: str) -> bool:
    """Whether a text may be the beginning of a mark."""
    return OPEN.startswith(text) or CLOSE.startswith(text)
