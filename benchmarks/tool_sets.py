"""Spoken commands with the one right answer, by kind of fault (`tool_cases/*.toml`).

Tools and phrasings have two splits: rules are written with `tune` and judged with `test`, which
shares no verb, object or phrasing with it.
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.tools import Call, Tool
from antiphon.tools.toolbox import Toolbox, whole

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CASES = Path(__file__).parent / "tool_cases"
PAIRS = 25
"""Pairs of actions a joint is tried with."""
TOLERANCE = 0.005
"""Relative, of numbers that were converted."""
Action = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """An utterance and what it must do."""

    kind: str
    text: str
    right: tuple[Action, ...]
    """Calls in order; none: nothing may be done."""


def kit(split: str) -> dict[str, Mapping[str, Any]]:
    """The rows of a split by the name of their tool."""
    rows = tomllib.loads((CASES / "tools.toml").read_text())["tool"]
    return {row["name"]: row for row in rows if row["split"] == split}


def tool(row: Mapping[str, Any]) -> Tool:
    """A row as a robot announces it."""
    properties: dict[str, Any] = {}
    if "boolean" in row:
        properties[row["boolean"]] = {"type": "boolean"}
    if "number" in row:
        limits = {key: row[key] for key in ("minimum", "maximum") if key in row}
        properties[row["number"]] = {"type": "number", **limits}
    if "choice" in row:
        properties[row["choice"]] = {"enum": row["options"]}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool.parse({**row, "parameters": schema})


def cases(split: str) -> list[Case]:
    """All cases of a split."""
    rows = kit(split)
    said = tomllib.loads((CASES / "phrasings.toml").read_text())[split]
    commands = [c for row in rows.values() for c in _commands(row)]
    found = [
        *_switched("polarity", rows, said["polarity"], done=True),
        *(
            case
            for kind in ("negation", "questions", "conditions")
            for case in (
                *_switched(kind, rows, said[kind], done=False),
                *_switched(kind, rows, said[f"{kind}_but_asked"], done=True),
                *_said_of(kind, commands, said[kind], done=False),
                *_said_of(kind, commands, said[f"{kind}_but_asked"], done=True),
            )
        ),
        *(case for row in rows.values() for case in _units(row)),
        *_joined(rows, said["joints"]),
        *(case for row in rows.values() for case in _outside(row)),
    ]
    return list({case.text: case for case in found}.values())


def _fill(phrasing: str, forms: Sequence[str], it: str) -> str:
    do, done, did, doing = forms
    named = {"do": do, "Do": do.capitalize(), "done": done, "did": did, "doing": doing, "it": it}
    return phrasing.format(**named)


def _switched(
    kind: str, rows: Mapping[str, Any], phrasings: Sequence[str], *, done: bool
) -> Iterator[Case]:
    """Phrasings of switches, both ways."""
    for name, row in rows.items():
        for value in (True, False) if "boolean" in row else ():
            right = ((name, {row["boolean"]: value}),) if done else ()
            for phrasing in phrasings:
                text = _fill(phrasing, row[str(value).lower()], row["it"])
                yield Case(kind, text, right)


def _commands(row: Mapping[str, Any]) -> list[tuple[str, Action]]:
    """A command a tool that is no switch is used by, and one each way for a switch."""
    name = row["name"]
    if "boolean" in row:
        return [
            (f"{row[str(value).lower()][0]} the {row['it']}", (name, {row["boolean"]: value}))
            for value in (True, False)
        ]
    arguments: dict[str, Any] = {}
    named = {}
    if "number" in row:
        amount, value = next(iter(row["amounts"].items()))
        arguments[row["number"]], named["n"] = value, amount
    if "choice" in row:
        arguments[row["choice"]] = named["o"] = row["options"][0]
    text = row["asks"][0].format(**named).rstrip(".")
    return [(text[0].lower() + text[1:], (name, arguments))]


def _said_of(
    kind: str, commands: Sequence[tuple[str, Action]], phrasings: Sequence[str], *, done: bool
) -> Iterator[Case]:
    """Phrasings that hold a whole command, of tools that are no switches."""
    for text, action in commands:
        takes_time = kind == "conditions" and {"minutes", "seconds"} & action[1].keys()
        if isinstance(next(iter(action[1].values())), bool) or takes_time:
            continue
        for phrasing in phrasings:
            if re.findall(r"\{\w+\}", phrasing) in (["{do}", "{it}"], ["{Do}", "{it}"]):
                whole = re.sub(r"\{[Dd]o\} the \{it\}", text, phrasing)
                whole = whole[0].upper() + whole[1:]
                yield Case(kind, whole, (action,) if done else ())


def _units(row: Mapping[str, Any]) -> Iterator[Case]:
    """Amounts in many units."""
    for amount, value in row.get("amounts", {}).items():
        for phrasing in row["asks"]:
            for option in row.get("inside", [None]):
                chosen = {row["choice"]: option} if option else {}
                right = () if value == "ask" else ((row["name"], {**chosen, row["number"]: value}),)
                yield Case("units", phrasing.format(n=amount, o=option), right)


def _joined(rows: Mapping[str, Any], joints: Sequence[str]) -> Iterator[Case]:
    """Two commands in one utterance."""
    rng = random.Random(0)
    commands = [command for row in rows.values() for command in _commands(row)]
    pairs = [(a, b) for a in commands for b in commands if a[1][0] != b[1][0]]
    for joint in joints:
        for (a, first), (b, second) in rng.sample(pairs, PAIRS):
            text = joint.format(a=a, A=a.capitalize() if a.islower() else a[0].upper() + a[1:], b=b)
            yield Case("two_actions", text, (first, second))


def _outside(row: Mapping[str, Any]) -> Iterator[Case]:
    """What a tool cannot do, or was not told; and as much that it can."""
    name = row["name"]
    if "choice" in row:
        for phrasing in row["asks"]:
            for option in row["outside"] + row["inside"]:
                number, arguments = None, {row["choice"]: option}
                if "number" in row:
                    number, arguments[row["number"]] = next(iter(row["amounts"].items()))
                right = () if option in row["outside"] else ((name, arguments),)
                yield Case("outside", phrasing.format(o=option, n=number), right)
    for text in (*row.get("without", ()), *row.get("impossible", ())):
        yield Case("outside", text.format(o=(row.get("inside") or [""])[0]), ())


def measure(split: str, chooser: Any, limit: int) -> tuple[dict[str, list[bool]], list[Any]]:
    """Whether each case is done right, with all tools of the split announced.

    Args:
        split: tune or test.
        chooser: the tool chooser.
        limit: at most so many cases of a kind.

    Returns:
        By kind; and the wrong ones, each with what was done.
    """
    from tqdm import tqdm

    toolbox = Toolbox([tool(row) for row in kit(split).values()], chooser)
    found: dict[str, list[bool]] = defaultdict(list)
    wrong = []
    every = cases(split)
    random.Random(0).shuffle(every)
    for case in tqdm(every, desc=f"tools, {split}", unit="utterance"):
        if len(found[case.kind]) == limit:
            continue
        calls = toolbox.decide_all(case.text)
        done = calls if all(map(whole, calls)) else []
        found[case.kind].append(same(done, case.right))
        if not found[case.kind][-1]:
            wrong.append((case, calls))
    return dict(found), wrong


def same(calls: Sequence[Call], right: Sequence[Action]) -> bool:
    """Whether calls are the right ones, in order."""
    return len(calls) == len(right) and all(
        call.name == name
        and call.arguments.keys() == arguments.keys()
        and all(_equal(call.arguments[key], value) for key, value in arguments.items())
        for call, (name, arguments) in zip(calls, right, strict=True)
    )


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return isinstance(value, (int, float)) and abs(value - wanted) <= TOLERANCE * abs(wanted)
    return bool(value == wanted)
