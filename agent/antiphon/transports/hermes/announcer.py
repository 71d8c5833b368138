"""Texts that a satellite is given to say, one after the other."""

from __future__ import annotations

import secrets
import textwrap
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon.transports.mqtt.wire.messages import Cmd

MAX_CHARACTERS = 1000
"""Characters of a text that the agent is given at once."""
MAX_TEXTS = 64
"""Texts that may wait."""
GIVE_UP_SECONDS = 30.0
"""Seconds after which a text of which nothing is heard is given up: the agent never got it."""


@dataclass
class Text:
    """A text to be said."""

    parts: deque[str]
    """Of it, in order; the first one is being said."""
    request: str
    """What the sender calls it."""
    done: Callable[[], None]
    """Called when it has been played, or is given up."""
    owner: object
    """Whom it belongs to."""
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    """What we call it."""


class Announcer:
    """Gives the agent one text at a time, when it is idle, and knows when it has been heard.

    Args:
        command: sends a command; says whether there is a line to the agent.
    """

    def __init__(self, command: Callable[[Cmd], bool]) -> None:
        self._command = command
        self._waiting: deque[Text] = deque()
        self.saying: Text | None = None
        self._over = False
        """Whether the agent has done with the text."""
        self._since = 0.0

    @property
    def busy(self) -> bool:
        """Whether there is something to say."""
        return self.saying is not None or bool(self._waiting)

    def add(
        self, text: str, done: Callable[[], None], *, request: str = "", owner: object = None
    ) -> None:
        """Say a text after those before it; `done` is called when that is over."""
        parts = deque(textwrap.wrap(text, MAX_CHARACTERS))
        if parts and len(self._waiting) < MAX_TEXTS:
            self._waiting.append(Text(parts, request, done, owner))
        else:
            done()

    def drop(self, owner: object) -> None:
        """Forget what waits of an owner."""
        self._waiting = deque(each for each in self._waiting if each.owner is not owner)

    def said(self, name: object) -> None:
        """The agent has said a part of a text, or given it up."""
        if self.saying is not None and name == self.saying.name:
            self._over = True

    def restart(self) -> None:
        """The agent begins anew: what it was saying when it broke is said once more."""
        if self.saying is not None:
            self._waiting.appendleft(self.saying)
            self.saying = None

    def tick(self, now: float, *, idle: bool, sounding: bool) -> None:
        """Time passes.

        Args:
            now: in seconds.
            idle: whether the agent would begin at once.
            sounding: whether the satellite still plays something.
        """
        if self.saying is not None and not sounding:
            late = idle and now - self._since > GIVE_UP_SECONDS
            if self._over or late:
                text, self.saying = self.saying, None
                text.parts.popleft()
                if text.parts:
                    self._waiting.appendleft(text)
                else:
                    text.done()
        if self.saying is None and self._waiting and idle and not sounding:
            text = self._waiting[0]
            if self._command(Cmd("say", text.parts[0], text.name)):
                self.saying, self._over, self._since = self._waiting.popleft(), False, now
