"""A language model's odds, kept in a file: asking takes half a second, and runs are repeated."""

from __future__ import annotations

import json
from pathlib import Path

from antiphon.tools.judging.judged_chooser import Judge
from antiphon.tools.tool import Tool


class KeptOdds:
    """A judge that asks another one only for what is not in its file.

    Args:
        judge: is asked.
        file: of JSON lines, one for every question; made if it is not there.
    """

    def __init__(self, judge: Judge, file: Path) -> None:
        self.judge, self.file = judge, file
        self._known: dict[tuple[str, str, str], float] = {}
        if file.exists():
            for line in file.open("rb"):
                row = json.loads(line)
                self._known[row["text"], row["tool"], row["description"]] = row["odds"]

    def expect(self) -> None:
        """Prepares nothing: most is known."""

    def odds(self, text: str, tool: Tool) -> float:
        """Natural log-odds that an utterance asks for a tool."""
        key = text, tool.name, tool.description
        if key not in self._known:
            self._known[key] = odds = round(self.judge.odds(text, tool), 3)
            row = {"text": text, "tool": tool.name, "description": tool.description, "odds": odds}
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return self._known[key]
