"""Names of the topics: `antiphon/v1/<robot>/…`, and who may write where."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "antiphon/v1"
SERVER = "server"
"""Not a robot: the name under which the server publishes its status."""
SERVER_STATUS = f"{ROOT}/{SERVER}/status"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What robots and tools may be called: nothing that means something in a topic."""


def is_name(text: str) -> bool:
    """Whether a robot or a tool may be called so."""
    return NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class Topics:
    """The topics of one robot."""

    robot: str
    """Its id; by default also its user name at the broker."""

    def __call__(self, leaf: str) -> str:
        """The full name of a topic of this robot."""
        return f"{ROOT}/{self.robot}/{leaf}"

    def call(self, tool: str) -> str:
        """Where a tool is called."""
        return self(f"tool/{tool}/call")

    def result(self, tool: str) -> str:
        """Where its result is awaited."""
        return self(f"tool/{tool}/result")

    def for_robot(self) -> list[tuple[str, int]]:
        """What the robot subscribes to, with the quality of service."""
        leaves = [("audio/out", 0)]
        leaves += [(leaf, 1) for leaf in ("hello", "status", "state", "event", "stop")]
        return [
            *((self(leaf), qos) for leaf, qos in leaves),
            (self.call("+"), 1),
            (SERVER_STATUS, 1),
        ]


def for_server() -> list[tuple[str, int]]:
    """What the server subscribes to, with the quality of service."""
    every = Topics("+")
    leaves = [("audio/in", 0), ("audio/heard", 0)]
    leaves += [(leaf, 1) for leaf in ("status", "hello", "cmd", "stop")]
    mine = [(every(leaf), qos) for leaf, qos in leaves]  # its own status is among them
    return [*mine, (every.result("+"), 1)]


def split(topic: str) -> tuple[str, str] | None:
    """Robot and leaf of a topic; None if it is none of ours."""
    root, _, rest = topic.partition(f"{ROOT}/")
    robot, _, leaf = rest.partition("/")
    return (robot, leaf) if not root and leaf and is_name(robot) else None


def tool_of(leaf: str) -> str | None:
    """The tool of a leaf `tool/<name>/call` or `…/result`; None if it is no such leaf."""
    parts = leaf.split("/")
    good = len(parts) == 3 and parts[0] == "tool" and parts[2] in ("call", "result")
    return parts[1] if good and is_name(parts[1]) else None
