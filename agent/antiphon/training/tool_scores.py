"""How well tools are chosen: right ones among 5, 10 and 20, none where none is asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from antiphon.tools.arguments import ArgumentFiller
from antiphon.tools.encoder_chooser import text_of
from antiphon.tools.judging.judged_chooser import Judge
from antiphon.tools.judging.weighing import Weighing
from antiphon.tools.matcher import EncodedText, Matcher
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool
from antiphon.training.corpora.tool_commands import Example, Sort

SIZES = (5, 10, 20)
"""How many tools are announced."""
BATCH = 64
Choose = Callable[[str, Sequence[Tool], Sequence[float]], int | None]
"""Which of some tools an utterance asks for, given their scores by the encoder; None: none."""


def above(threshold: float) -> Choose:
    """The encoder's own choice."""

    def choose(text: str, tools: Sequence[Tool], scores: Sequence[float]) -> int | None:
        best = max(range(len(scores)), key=scores.__getitem__)
        return best if scores[best] > threshold else None

    return choose


def judged(weighing: Weighing, judge: Judge) -> Choose:
    """The encoder's choice, and the language model's where it is in doubt."""

    def choose(text: str, tools: Sequence[Tool], scores: Sequence[float]) -> int | None:
        return weighing.choose(scores, lambda i: judge.odds(text, tools[i]))

    return choose


@cache
def tool_of(sort: Sort, description: int = 0) -> Tool:
    """A sort as a robot announces it."""
    properties = {
        name: {key: value for key, value in facts.items() if key != "values"}
        for name, facts in sort.parameters.items()
    }
    return Tool(sort.name, sort.says[description], {"type": "object", "properties": properties})


@dataclass(frozen=True)
class Scores:
    """Utterances against all tools of a split."""

    examples: tuple[Example, ...]
    sorts: tuple[Sort, ...]
    table: torch.Tensor
    """[N, S] scores; the mean over the tools' descriptions would hide a bad one, so the
    description is drawn for every utterance."""
    described: torch.Tensor
    """[N, S] which of the tool's descriptions that is."""
    left_out: bool = False
    """Whether the right tool is never announced."""

    def announced(self, size: int, seed: int = 0) -> Iterator[list[int]]:
        """Columns of `size` tools for every utterance, the right one among them or left out."""
        rng = random.Random(f"{seed} {size}")
        for example in self.examples:
            strangers = [
                i
                for i, sort in enumerate(self.sorts)
                if example.sort is None or not sort.overlaps(example.sort)
            ]
            right = None if self.left_out else example.sort
            announced = rng.sample(strangers, min(len(strangers), size - bool(right)))
            if right:
                announced.append(self.sorts.index(right))
            yield announced

    def chosen(self, size: int, choose: Choose, seed: int = 0) -> list[int | None]:
        """What is called when `size` tools are announced.

        Returns:
            The column called for every utterance, None for no call.
        """
        found: list[int | None] = []
        for row, announced in enumerate(self.announced(size, seed)):
            scores = self.table[row, announced].tolist()
            named = self.described[row, announced].tolist()
            tools = [tool_of(self.sorts[i], n) for i, n in zip(announced, named, strict=True)]
            best = choose(self.examples[row].text, tools, scores)
            found.append(None if best is None else announced[best])
        return found

    def right(self, size: int, choose: Choose) -> list[bool]:
        """Whether the right tool was called, for every utterance."""
        return [
            best is not None and self.sorts[best] == example.sort
            for best, example in zip(self.chosen(size, choose), self.examples, strict=True)
        ]

    def called(self, size: int, choose: Choose) -> list[bool]:
        """Whether anything was called, for every utterance."""
        return [best is not None for best in self.chosen(size, choose)]


@torch.no_grad()
def score(
    reader: Matcher, examples: Sequence[Example], sorts: Sequence[Sort], seed: int = 0
) -> Scores:
    """Compare every utterance with every tool, under one of the tool's descriptions."""
    from tqdm import tqdm

    rng = random.Random(seed)
    tools = [tool_of(s, i) for s in sorts for i in range(len(s.says))]
    texts = [text_of(tool) for tool in tools]
    first = [sum(len(s.says) for s in sorts[:i]) for i in range(len(sorts))]
    read, table, described = reader.read(texts), [], []
    for at in tqdm(range(0, len(examples), BATCH), desc="tools", unit="batch"):
        heard = reader.read([e.text for e in examples[at : at + BATCH]])
        found = reader.score(heard, read)
        wanted = [[wants(e.text, t) for t in tools] for e in examples[at : at + BATCH]]
        found = found.masked_fill(~torch.tensor(wanted), -torch.inf)
        drawn = torch.tensor([[rng.randrange(len(s.says)) for s in sorts] for _ in found])
        table.append(found.gather(1, torch.tensor(first) + drawn))
        described.append(drawn)
    return Scores(tuple(examples), tuple(sorts), torch.cat(table), torch.cat(described))


def threshold_for(unasked: Scores, false: float) -> float:
    """The least threshold with at most a share `false` of calls where none was asked for."""
    candidates = [0.05 * step for step in range(-200, 400)]
    for threshold in candidates:
        calls = [called for size in SIZES for called in unasked.called(size, above(threshold))]
        if sum(calls) <= false * len(calls):
            return threshold
    return candidates[-1]


@dataclass
class Slots:
    """Counts of arguments."""

    right: int = 0
    found: int = 0
    said: int = 0
    whole: int = 0
    """Utterances with every argument right and none too many."""
    utterances: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(1, self.found + self.said)


@torch.no_grad()
def arguments(reader: Matcher, examples: Sequence[Example]) -> Slots:
    """Fill the arguments of utterances whose slots are annotated, given the right tool."""
    from tqdm import tqdm

    from antiphon.tools.spoken_numbers import numbers

    filler, counts = ArgumentFiller(reader), Slots()
    for example in tqdm(examples, desc="arguments", unit="utterance"):
        assert example.sort is not None
        tool = tool_of(example.sort)
        kinds = {p.name: p.kind for p in tool.parameters}
        wanted: dict[str, object] = {}
        for name, (start, end) in example.spans.items():
            text = example.text[start:end]
            if kinds.get(name) == "number":
                said = numbers(text)
                if said:
                    wanted[name] = said[0].tidy
            elif name in kinds:
                wanted[name] = text.lower()
        heard: EncodedText = reader.read([example.text])
        filled = {
            name: value.lower() if isinstance(value, str) else value
            for name, value in filler.fill(example.text, heard, tool).items()
        }
        counts.right += sum(filled.get(name) == value for name, value in wanted.items())
        counts.found += len(filled)
        counts.said += len(wanted)
        counts.whole += filled == wanted
        counts.utterances += 1
    return counts
