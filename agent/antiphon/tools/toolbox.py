"""A robot's tools, and what an utterance makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from antiphon.errors import UserError
from antiphon.tools.arguments import ArgumentFiller
from antiphon.tools.call import Call
from antiphon.tools.chooser import LONGEST, Chooser
from antiphon.tools.tool import Tool


class Toolbox:
    """The tools of one robot.

    Args:
        tools: what it announced.
        chooser: shared by all robots.

    Raises:
        UserError: two tools have one name.
    """

    def __init__(self, tools: Sequence[Tool], chooser: Chooser) -> None:
        names = [tool.name for tool in tools]
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise UserError(f"Two tools are called '{twice}': give each a name of its own.")
        self.tools = {tool.name: tool for tool in tools}
        self.chooser, self.filler = chooser, ArgumentFiller(chooser.reader)
        self.announced = chooser.announce(tools) if tools else None

    @torch.no_grad()
    def decide(self, text: str) -> Call | None:
        """The call an utterance asks for; None: an ordinary answer is wanted."""
        text = " ".join(text.split())
        if self.announced is None or not any(c.isalnum() for c in text) or len(text) > LONGEST:
            return None
        heard = self.chooser.reader.read([text])
        best = self.chooser.choose(heard, self.announced).best
        if best is None:
            return None
        tool = self.announced.tools[best]
        arguments = self.filler.fill(text, heard, tool)
        missing = [p.name for p in tool.parameters if p.required and p.name not in arguments]
        return Call(tool.name, arguments, tuple(missing))
