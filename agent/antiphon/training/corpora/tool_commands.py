"""Utterances labelled with tools, from three open corpora and hand-written robot tools.

`data/tools*.jsonl` list the tools. A tool's `split` is `train`; `tune`, for the threshold; or
`test`, used only by the benchmark. Tools that share a word in `near` overlap in meaning: if one is
right, the others do not count as wrong.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from antiphon.datasets import texts as rows

FILES = Path(__file__).parent / "data"
SLOT = re.compile(r"\[(\S+) : ([^\]]+)\]|\{(\w+)\}")
OTHER_KINDS = ("dialogue", "out of scope", "question", "small talk")
QUESTIONS = (
    ("efficientqa_dev", "webquestions_dev"),
    ("webquestions_train", "webquestions_val"),
    (),
)
"""Question collections for test, train and tune."""
MAX_CHARACTERS = 160
"""Maximum characters of an utterance that asks for no tool."""
SNIPS = 300
"""Utterances per SNIPS intent; each intent has 2000 similar ones."""


@dataclass(frozen=True)
class Sort:
    """A tool with its descriptions, intents, parameters and patterns."""

    name: str
    split: str
    says: tuple[str, ...]
    """Alternative descriptions, each complete."""
    sources: tuple[str, ...] = ()
    """Intents of the tool, as corpus/intent."""
    near: frozenset[str] = frozenset()
    parameters: dict[str, Any] = field(default_factory=dict, compare=False)
    asks: tuple[str, ...] = ()
    nots: tuple[str, ...] = ()

    def overlaps(self, other: Sort) -> bool:
        """Whether both tools may be right for one utterance."""
        return self.name == other.name or bool(self.near & other.near)


@dataclass(frozen=True)
class Example:
    """An utterance, the tool it asks for, and the spans of its parameters."""

    text: str
    sort: Sort | None
    """None if it asks for no tool."""
    spans: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False)
    """Character span of each parameter."""
    kind: str = "command"
    about: Sort | None = None
    """The tool it mentions without asking for it."""


@cache
def sorts() -> tuple[Sort, ...]:
    """All tools."""
    lines = [line for path in sorted(FILES.glob("tools*.jsonl")) for line in path.open("rb")]
    return tuple(
        Sort(
            row["name"],
            row["split"],
            tuple(row["says"]),
            tuple(row.get("from", ())),
            frozenset(row.get("near", ())),
            row.get("parameters", {}),
            tuple(row.get("asks", ())),
            tuple(row.get("nots", ())),
        )
        for row in map(json.loads, lines)
    )


@cache
def slot_names() -> dict[str, list[str]]:
    """Descriptions of each slot of the corpora."""
    found: dict[str, list[str]] = json.loads((FILES / "tools.json").read_text())["slots"]
    return found


def commands(data: Path, split: str, seed: int = 0) -> list[Example]:
    """Utterances that ask for the tools of a split."""
    owner = {source: sort for sort in sorts() if sort.split == split for source in sort.sources}
    found = [
        Example(text, owner[intent], spans)
        for intent, text, spans in _corpora(data)
        if intent in owner
    ]
    rng = random.Random(seed)
    for sort in sorts():
        if sort.split == split:
            found += [Example(*_fill(ask, sort, rng)) for ask in sort.asks for _ in range(6)]
    return list({e.text: e for e in found}.values())


def _fill(ask: str, sort: Sort, rng: random.Random) -> tuple[str, Sort, dict[str, tuple[int, int]]]:
    """Fill a pattern with random parameter values."""
    text, spans = "", {}
    for piece in re.split(r"(\{\w+\})", ask):
        if piece.startswith("{"):
            facts = sort.parameters[piece[1:-1]]
            value = rng.choice(facts.get("enum") or facts["values"])
            spans[piece[1:-1]] = (len(text), len(text) + len(value))
            text += value
        else:
            text += piece
    return text, sort, spans


def _corpora(data: Path) -> Iterator[tuple[str, str, dict[str, tuple[int, int]]]]:
    """Yield intent, utterance and spans from the three corpora."""
    for row in rows(data, "intent/clinc150"):
        yield f"clinc/{row['intent']}", str(row["text"]), {}
    for row in rows(data, "intent/nlu_home"):
        text, spans, end = "", {}, 0
        annotated = " ".join(str(row["anno"]).split())
        for match in SLOT.finditer(annotated):
            if match[2]:
                text += annotated[end : match.start()]
                spans[match[1]] = (len(text), len(text) + len(match[2].strip()))
                text, end = text + match[2].strip(), match.end()
        yield f"nlu/{row['intent']}", text + annotated[end:], spans
    taken: dict[object, int] = {}
    for row in rows(data, "intent/snips"):
        taken[row["intent"]] = taken.get(row["intent"], 0) + 1
        if taken[row["intent"]] > SNIPS:
            continue
        text, spans = " ".join(str(row["text"]).split()), {}
        for slot, value in row["slots"].items():
            said = re.search(rf"(?<!\w){re.escape(' '.join(value.split()))}(?!\w)", text, re.I)
            if said:
                spans[slot] = said.span()
        yield f"snips/{row['intent']}", text, spans


def others(data: Path, split: str) -> list[Example]:
    """Utterances that ask for no tool: questions, dialogue, small talk, out of scope.

    `split` is train, tune (questions and dialogue only) or test; the splits are disjoint.
    """
    part = ("test", "train", "tune").index(split)
    kinds: dict[str, list[str]] = {k: [] for k in OTHER_KINDS}
    for name in QUESTIONS[part]:
        kinds["question"] += [str(r["question"]) for r in rows(data, f"qa/{name}")]
    for number, row in enumerate(rows(data, "qa/opentriviaqa")):
        if number % 20 == 0 and (number % 100 == 0) == (split == "test") and split != "tune":
            kinds["question"].append(str(row["question"]))
        if number % 40 == 7 and split == "tune":
            kinds["question"].append(str(row["question"]))
    for number, row in enumerate(rows(data, "dialogue/self_dialogue")):
        if number % 10 == part:
            turns: list[str] = row["turns"]
            kinds["dialogue"].append(turns[number // 10 % len(turns)])
    for number, row in enumerate(rows(data, "dialogue/chatterbot_en")):
        if split != "tune" and (number // 20 % 5 == 0) == (split == "test"):
            kinds["dialogue"].append(row["turns"][0])
    listed = json.loads((FILES / "tools.json").read_text())["none"].get(split, ())
    for intent, text, _ in _corpora(data):
        if intent in listed:
            kinds["small talk"].append(text)
    for row in rows(data, "intent/clinc150"):
        if row["split"] == {"test": "oos_val", "train": "oos_train"}.get(split):
            kinds["out of scope"].append(str(row["text"]))
    found = {
        text: Example(text, None, kind=kind)
        for kind, texts in kinds.items()
        for text in (" ".join(t.split()) for t in texts)
        if 2 <= len(text) <= MAX_CHARACTERS
    }
    return list(found.values())


def nots(split: str) -> list[Example]:
    """Sentences on the topic of a hand-written tool that do not ask for it."""
    return [
        Example(text, None, kind="about", about=sort)
        for sort in sorts()
        if sort.split == split
        for text in sort.nots
    ]


def balanced(examples: Sequence[Example], count: int, seed: int = 0) -> list[Example]:
    """Up to `count` examples, balanced over tools and kinds."""
    rng = random.Random(seed)
    piles: dict[object, list[Example]] = {}
    for example in examples:
        piles.setdefault(example.sort or example.kind, []).append(example)
    for pile in piles.values():
        rng.shuffle(pile)
    turns = itertools.zip_longest(*piles.values())
    return [e for turn in turns for e in turn if e is not None][:count]
