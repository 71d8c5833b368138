"""A robot's tools, and what an utterance makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.errors import UserError
from antiphon.tools.call import Call
from antiphon.tools.spoken_numbers import numbers
from antiphon.tools.tool import Tool
from antiphon.tools.tool_chooser import ToolChooser

AND = re.compile(r",? and then |,? then |,? and |; |[.!?]+ ", re.IGNORECASE)
"""What may stand between two commands."""
FRAGMENT = re.compile(r"\W*(?:an?|the|my|our|in|at|to|for|by|with)\b", re.IGNORECASE)
"""What no command begins with."""


class Toolbox:
    """The tools of one robot.

    Args:
        tools: what it announced.
        chooser: shared by all robots.

    Raises:
        UserError: two tools have one name.
    """

    def __init__(self, tools: Sequence[Tool], chooser: ToolChooser) -> None:
        names = [tool.name for tool in tools]
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise UserError(f"Two tools are called '{twice}': give each a name of its own.")
        self.tools = {tool.name: tool for tool in tools}
        self.chooser = chooser
        self.announced = chooser.announce(tools) if tools else None

    def decide(self, text: str) -> Call | None:
        """The call an utterance asks for; None: an ordinary answer is wanted."""
        return self.chooser.decide(text, self.announced) if self.tools else None

    def decide_all(self, text: str) -> list[Call]:
        """All calls an utterance asks for, in order; none: an ordinary answer is wanted.

        "Turn left and drive two meters" is two calls if each half is a whole one.
        """
        parts = [part for part in AND.split(text) if part.strip()]
        if len(parts) > 1:
            calls = [self.decide(part) for part in parts]
            found = [call for call in calls if call is not None and not call.missing]
            if len(found) == len(parts) and not any(map(fragment, parts)):
                return found
        whole = self.decide(text)
        return [] if whole is None else [whole]


def fragment(part: str) -> bool:
    """Whether a part of an utterance is no command by itself: it begins with a number or article.

    "One hour and fifteen minutes" are two parts of one quantity.
    """
    begins = numbers(part)
    return bool(FRAGMENT.match(part)) or bool(begins and begins[0].start <= 1)
