"""The tools that a robot announces."""

from __future__ import annotations

from antiphon.tools import Tool
from antiphon.transports.mqtt.wire.messages import Hello


def tools_of(hello: Hello) -> dict[str, Tool]:
    """The tools of a robot, by name.

    Raises:
        UserError: One of them is none.
    """
    tools = [Tool.parse(each) for each in hello.tools]
    return {tool.name: tool for tool in tools}
