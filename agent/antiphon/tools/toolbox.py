"""A robot's tools, and what an utterance makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.errors import UserError
from antiphon.tools.call import Call
from antiphon.tools.rules.consent import answer
from antiphon.tools.rules.verbs import leading_verbs
from antiphon.tools.spoken_numbers import numbers
from antiphon.tools.tool import Tool
from antiphon.tools.tool_chooser import RequiredChooser, ToolChooser

AND = re.compile(
    r",? and (?:then |after that |also |afterwards )|,? then |,? and |; |,? after that |"
    r",? followed by ",
    re.IGNORECASE,
)
"""What may stand between two commands of a sentence."""
OPENING = re.compile(r"^\W*(?:first|firstly)\b,? ", re.IGNORECASE)
WAIT = re.compile(
    r"^\W*(?:please |just |first )*wait (?:for |until |till |\w+ ){1,3}", re.IGNORECASE
)
"""What makes a later one of every command behind it, unless the robot itself can wait."""
SENTENCE = re.compile(r"(?<=[.!?]) +")
FRAGMENT = re.compile(r"\W*(?:an?|the|my|our|in|at|to|for|by|with)\b", re.IGNORECASE)
"""What no command begins with."""


class Toolbox:
    """The tools of one robot.

    Args:
        tools: what it announced.
        chooser: shared by all robots.
        required: whether a tool is called even if none is clearly asked for.

    Raises:
        UserError: two tools have one name.
    """

    def __init__(
        self, tools: Sequence[Tool], chooser: ToolChooser, *, required: bool = False
    ) -> None:
        names = [tool.name for tool in tools]
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise UserError(f"Two tools are called '{twice}': give each a name of its own.")
        self.tools = {tool.name: tool for tool in tools}
        self.chooser, self.required = chooser, required
        self.announced = chooser.announce(tools) if tools else None

    def decide(self, text: str) -> Call | None:
        """The call an utterance asks for; None: an ordinary answer is wanted."""
        return self.chooser.decide(text, self.announced) if self.tools else None

    def decide_all(self, text: str) -> list[Call]:
        """All calls an utterance asks for, in order; none: an ordinary answer is wanted.

        "Turn left and drive two meters" is two calls if each half is a whole one.
        """
        calls = self._asked_for(text)
        if not calls and self.required and self.tools and isinstance(self.chooser, RequiredChooser):
            call = self.chooser.decide_anyway(text, self.announced)
            return [] if call is None else [call]
        return calls

    def _asked_for(self, text: str) -> list[Call]:
        if WAIT.match(text) and not self._can_wait(text):
            return []
        sentences = SENTENCE.split(text.strip())
        if len(sentences) > 1:
            if any(answer(sentence) == "no" for sentence in sentences[1:]):
                return []
            found = [call for sentence in sentences for call in self._sentence(sentence)]
            if found and all(map(whole, found)):
                return found
        return self._sentence(text)

    def _can_wait(self, text: str) -> bool:
        """Whether waiting, which comes first, is something the robot can do."""
        call = self.decide(AND.split(text)[0])
        return call is not None and "wait" in leading_verbs(self.tools[call.name].description)

    def _sentence(self, text: str) -> list[Call]:
        """The calls of one sentence."""
        parts = [part for part in AND.split(OPENING.sub("", text)) if part.strip()]
        if len(parts) > 1 and not any(map(fragment, parts)):
            calls = [self.decide(part) for part in parts]
            found = [call for call in calls if call is not None and whole(call)]
            if len(found) == len(parts):
                return found
        call = self.decide(text)
        return [] if call is None else [call]


def whole(call: Call) -> bool:
    """Whether a call can be made as it is."""
    return not (call.missing or call.problem)


def fragment(part: str) -> bool:
    """Whether a part of an utterance is no command by itself: it begins with a number or article.

    "One hour and fifteen minutes" are two parts of one quantity.
    """
    begins = numbers(part)
    return bool(FRAGMENT.match(part)) or bool(begins and begins[0].start <= 1)
