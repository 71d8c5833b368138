"""A robot's tools, and what an utterance makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.errors import UserError
from antiphon.tools.call import Call
from antiphon.tools.tool import Tool
from antiphon.tools.tool_chooser import ToolChooser


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
