"""The agent's memory: the newest turns word for word, and facts from older ones.

The language model sees at most a given number of tokens, so a turn costs the same after hours as
after minutes. Of turns that leave the window, sentences in which the user stated a fact ("My name
is Anna.") are kept, until they fill their own small share. What else the user told is not shown any
more, but found again for a question about it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from antiphon.messages import Turn

FACT = re.compile(
    r"\b(my|mine|call me|remember|(i|we) (am|are|was|were|live|like|love|hate|have|work)|i'm)\b",
    re.IGNORECASE,
)
"""Matches a sentence that states a fact."""
FACTS_SHARE = 5
"""At most one fifth of the tokens holds facts from before the window."""
FOUND_AGAIN = 200
"""Turns that left the window in which is looked up what the user told."""
LEFT = 0.6
"""Share of the window that is left when it is full: what stands behind a turn that leaves is read
again by the language model, so several leave at once."""


def tokens(text: str) -> int:
    """An upper bound of the tokens of a turn; English has four letters a token or more."""
    return 8 + len(text) // 3


class Memory:
    """A window over a conversation.

    Args:
        budget: tokens.
    """

    def __init__(self, budget: int = 400) -> None:
        self.budget = budget
        self._turns: deque[Turn] = deque()
        self._facts: deque[str] = deque()
        self._left: deque[Turn] = deque(maxlen=FOUND_AGAIN)
        self.instructions = ""
        """What the language model is told before this conversation."""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns in the window, word for word as they were said and heard."""
        return tuple(self._turns)

    @property
    def facts(self) -> str:
        """What the user stated before the window."""
        return " ".join(self._facts)

    def add(self, turn: Turn) -> None:
        """Append a turn; the oldest leave the window when it is full."""
        self._turns.append(turn)
        room = self.budget - self.budget // FACTS_SHARE
        if self._size() <= room:
            return
        while len(self._turns) > 1 and self._size() > LEFT * room:
            self._leave(self._turns.popleft())
            while len(self._turns) > 1 and self._turns[0].role == "assistant":
                self._turns.popleft()  # an answer without its question

    def _size(self) -> int:
        return sum(tokens(turn.text) for turn in self._turns)

    def context(self) -> tuple[Turn, ...]:
        """The turns to show to the language model, and those of the user in front of them."""
        told = (Turn("system", self.instructions),) if self.instructions else ()
        if not self._facts:
            return (*told, *self._left, *self._turns)
        opening = Turn("user", f"Remember what I told you: {self.facts}")
        return (*told, *self._left, opening, Turn("assistant", "I remember."), *self._turns)

    def take_question(self) -> str:
        """What the user said last and nobody answered; it is not remembered any more."""
        said = list[str]()
        while self._turns and self._turns[-1].role == "user":
            said.insert(0, self._turns.pop().text)
        return " ".join(said)

    def clear(self) -> None:
        """Forget everything."""
        self._turns.clear()
        self._facts.clear()
        self._left.clear()

    def _leave(self, turn: Turn) -> None:
        if turn.role != "user":
            return
        self._left.append(replace(turn, shown=False))
        for said in re.split(r"(?<=[.!?])\s+", turn.text):
            if FACT.search(said) and not said.endswith("?") and said not in self._facts:
                self._facts.append(said)
        while self._facts and tokens(self.facts) > self.budget // FACTS_SHARE - 24:
            self._facts.popleft()
