"""What keeps a small language model to what it was told, by the user and of itself.

Statements of the user stand behind a question that they may answer, and an answer about the agent
begins with who it is. Neither is part of the conversation, and nothing is added to other questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.llm.chat_template import TOLD
from antiphon.messages import Turn
from antiphon.s2t import identity
from antiphon.s2t.recall import Recall

REMEMBERED = "Yes, your"
"""How an answer begins that says what is remembered, and not only that it is."""
_DO_YOU_REMEMBER = re.compile(
    r"\bdo you (?:still |even |perhaps )?(?:remember|know|recall) "
    r"(?:(?:what|when|where|who|how|which) |the \w+ of )?(?:my|our)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reminded:
    """What the language model is reminded of before an answer."""

    behind: str
    """Stands behind the question; short, since it cannot be read ahead."""
    begun: str
    """Is how the answer begins."""


class Reminder:
    """Tells it. One object serves any number of conversations and threads.

    Args:
        persona: who the agent is to be; empty: itself.
        recall: finds what was told.
    """

    def __init__(self, persona: str = "", recall: Recall | None = None) -> None:
        self.persona, self.recall = persona, recall or Recall()

    def prepare(self, history: Sequence[Turn]) -> None:
        """Read a conversation ahead of its next question."""
        self.recall.prepare(history)

    def of(self, question: str, history: Sequence[Turn]) -> Reminded:
        """What the language model is reminded of.

        Args:
            question: what is asked.
            history: the turns before, those that are not shown included.
        """
        # A persona, or what a conversation is told before, decides itself who the agent is.
        other = self.persona or any(turn.role == "system" for turn in history)
        begun = "" if other else identity.beginning(question, history)
        found = () if begun else self.recall.find(question, history)
        if found and _DO_YOU_REMEMBER.search(question):
            begun = REMEMBERED
        return Reminded(TOLD.format(" ".join(found)) if found else "", begun)
