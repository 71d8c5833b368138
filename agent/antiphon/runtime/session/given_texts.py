"""Texts that the agent is given to say, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from antiphon.runtime import events
from antiphon.runtime.events import Event

MAX_TEXTS = 100
"""Texts that may wait; of more, the oldest is given up."""


@dataclass(frozen=True)
class GivenText:
    """A text to be said."""

    text: str
    name: str
    """By which its end is told; empty: it is not told."""


class GivenTexts:
    """Knows which text is being said and which ones wait, and tells when each is over.

    Args:
        emit: takes the events.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._waiting: deque[GivenText] = deque()
        self.saying: GivenText | None = None
        """The one that is being said."""

    def __bool__(self) -> bool:
        """Whether one waits."""
        return bool(self._waiting)

    def add(self, text: str, name: str, at: int) -> None:
        """Say a text after those that wait."""
        self._waiting.append(GivenText(text, name))
        if len(self._waiting) > MAX_TEXTS:
            self._tell(self._waiting.popleft(), "", at)

    def begin(self) -> str:
        """The next text, which is being said from now on."""
        self.saying = self._waiting.popleft()
        return self.saying.text

    def put_back(self) -> None:
        """The one that is being said waits again."""
        if self.saying is not None:
            self._waiting.appendleft(self.saying)
        self.saying = None

    def over(self, heard: str, at: int) -> None:
        """The one that is being said is over, if there is one."""
        if self.saying is not None:
            self._tell(self.saying, heard, at)
        self.saying = None

    def clear(self, at: int) -> None:
        """Give up those that wait."""
        while self._waiting:
            self._tell(self._waiting.popleft(), "", at)

    def _tell(self, given: GivenText, heard: str, at: int) -> None:
        if given.name:
            self._emit(events.Said(at, given.name, heard))
