"""What the agent remembers: the newest turns word for word, of the older ones what was told.

The language model is shown at most a given number of tokens, so a turn costs the same after hours
as after minutes. What falls out of the window leaves behind sentences in which the user told
something ("My name is Anna."), until these fill their own small share.
"""

from __future__ import annotations

import re
from collections import deque

from antiphon.messages import Turn

FACT = re.compile(
    r"\b(my|mine|call me|remember|(i|we) (am|are|was|were|live|like|love|hate|have|work)|i'm)\b",
    re.IGNORECASE,
)
"""Marks a sentence worth keeping."""
FACTS_SHARE = 5
"""One fifth of the tokens at most is for what was told long ago."""


def tokens(text: str) -> int:
    """At most so many tokens is `text` as a turn: English has four letters a token and more."""
    return 8 + len(text) // 3


class Memory:
    """A window over a conversation.

    Args:
        budget: tokens.
    """

    def __init__(self, budget: int = 400) -> None:
        self.budget = budget
        self._turns: deque[Turn] = deque()
        self._told: deque[str] = deque()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns in the window, word for word as they were said and heard."""
        return tuple(self._turns)

    @property
    def told(self) -> str:
        """What the user told before the window."""
        return " ".join(self._told)

    def add(self, turn: Turn) -> None:
        """Append a turn; the oldest ones leave the window when it is full."""
        self._turns.append(turn)
        room = self.budget - self.budget // FACTS_SHARE
        while len(self._turns) > 1 and sum(tokens(t.text) for t in self._turns) > room:
            self._leave(self._turns.popleft())
            while len(self._turns) > 1 and self._turns[0].role == "assistant":
                self._turns.popleft()  # an answer without its question

    def context(self) -> tuple[Turn, ...]:
        """The turns to show to the language model."""
        if not self._told:
            return self.turns
        opening = Turn("user", f"Remember what I told you: {self.told}")
        return (opening, Turn("assistant", "I remember."), *self._turns)

    def clear(self) -> None:
        """Forget everything."""
        self._turns.clear()
        self._told.clear()

    def _leave(self, turn: Turn) -> None:
        if turn.role != "user":
            return
        for said in re.split(r"(?<=[.!?])\s+", turn.text):
            if FACT.search(said) and not said.endswith("?") and said not in self._told:
                self._told.append(said)
        while self._told and tokens(self.told) > self.budget // FACTS_SHARE - 24:
            self._told.popleft()
