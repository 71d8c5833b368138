"""The arguments of a call: decoded so that they can only be what the schema allows.

A string is a run of the utterance's own words, a number one that was said, an enum or a boolean
one of its values. The reader says which words and which value, and whether any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from antiphon.tools.matcher import EncodedText, Matcher
from antiphon.tools.rules import options
from antiphon.tools.rules.polarity import yes_or_no
from antiphon.tools.rules.units import Quantity, convert, quantities, unit_of
from antiphon.tools.spoken_numbers import Number, numbers
from antiphon.tools.tool import Parameter, Tool, words_of

UNCLEAR = object()
"""The value of a parameter for which something was named that it does not allow."""
MAX_STRING_TOKENS = 12
"""Tokens of a string."""


@dataclass(frozen=True)
class Claim:
    """Words of the utterance that may be the value of a parameter."""

    score: float
    parameter: Parameter
    start: int
    end: int
    value: Any


class ArgumentFiller:
    """Finds arguments. Belongs to one set of tools, whose parameters it reads once.

    Args:
        reader: compares utterances with texts.
    """

    def __init__(self, reader: Matcher) -> None:
        self.reader = reader
        self._known: dict[str, tuple[EncodedText, list[tuple[int, int]]]] = {}

    @torch.no_grad()
    def fill(self, text: str, heard: EncodedText, tool: Tool) -> dict[str, Any]:
        """Arguments of a tool said in an utterance.

        Args:
            text: the utterance.
            heard: how the reader understands it (row 0).
            tool: the one that is called.

        Returns:
            By name; what was not said is left out, what was said and is not allowed is `UNCLEAR`.
        """
        if not tool.parameters:
            return {}
        if tool.name not in self._known:
            texts, groups = self._texts(tool)
            self._known[tool.name] = self.reader.read(texts), groups
        read, groups = self._known[tool.name]
        count = len(read.states)
        which = torch.zeros(count, dtype=torch.long)
        scores, edges = self.reader.compare(heard, read, which, torch.arange(count))
        offsets = self.reader.tokens(text)[1]
        found: dict[str, Any] = {}
        claims: list[Claim] = []
        said = numbers(text)
        amounts = quantities(text, said)
        lonely = len(said) == 1 and sum(_numeric(p) for p in tool.parameters) == 1
        for parameter, (first, last) in zip(tool.parameters, groups, strict=True):
            present = float(scores[first])
            values = scores[first + 1 : last].tolist()
            if parameter.options:
                value = chosen(text, parameter, values, said)
                if value is not None:
                    found[parameter.name] = value
            elif parameter.kind == "boolean":
                value = yes_or_no(text, parameter, tool)
                if value is None and present > 0 and not parameter.required:
                    value = True
                if value is not None:
                    found[parameter.name] = value
            elif _numeric(parameter):
                sure = 1.0 if lonely or parameter.required else present
                wanted = unit_of(parameter, tool)
                fitting = counted(parameter, amounts, wanted, edges[first], offsets, sure)
                if amounts and not fitting and (present > 0 or parameter.required):
                    found[parameter.name] = UNCLEAR
                claims += fitting
            elif present > 0 or parameter.required:
                claims += quoted(parameter, text, edges[first], offsets, present)
        return found | settle(claims)

    def _texts(self, tool: Tool) -> tuple[list[str], list[tuple[int, int]]]:
        """What is asked of the reader, and which rows belong to which parameter."""
        texts: list[str] = []
        groups = []
        for parameter in tool.parameters:
            first, label = len(texts), words_of(parameter.name)
            texts.append(f"{label}: {parameter.description}" if parameter.description else label)
            texts += [f"{label}: {options.spelled(option)}" for option in parameter.options]
            groups.append((first, len(texts)))
        return texts, groups


def _numeric(parameter: Parameter) -> bool:
    return parameter.kind in ("number", "integer") and not parameter.options


def chosen(
    text: str, parameter: Parameter, scores: Sequence[float], numbers: Sequence[Number]
) -> Any:
    """One of the allowed values.

    Args:
        text: the utterance.
        parameter: with options.
        scores: [options] how well each fits.
        numbers: of the utterance.

    Returns:
        The value that was said, the best of several. If none was: `UNCLEAR` where something else
        was named; the best that fits, of a parameter that is not required; else None.
    """
    found = options.said(text, parameter, numbers)
    best = max(found or range(len(scores)), key=lambda i: scores[i])
    if found:
        return parameter.options[best]
    if options.names_another(text, parameter):
        return UNCLEAR
    return parameter.options[best] if scores[best] > 0 and not parameter.required else None


def counted(
    parameter: Parameter,
    said: Sequence[Quantity],
    wanted: str | None,
    edges: torch.Tensor,
    offsets: Sequence[tuple[int, int]],
    sure: float,
) -> list[Claim]:
    """Quantities of the utterance that the schema allows, in the wanted unit, with their odds."""
    if sure <= 0:
        return []
    odds = edges.log_softmax(0)
    found = []
    for number in said:
        converted = convert(number.value, number.unit, wanted)
        if converted is None:
            continue
        value = int(converted) if converted.is_integer() else converted
        inside = [i for i, (a, b) in enumerate(offsets) if a < number.end and b > number.start]
        if not inside or not parameter.allows(value):
            continue
        score = float(odds[inside, 0].logsumexp(0) + odds[inside, 1].logsumexp(0))
        found.append(Claim(score, parameter, number.start, number.end, value))
    return found


def quoted(
    parameter: Parameter,
    text: str,
    edges: torch.Tensor,
    offsets: Sequence[tuple[int, int]],
    present: float,
) -> list[Claim]:
    """The likeliest runs of words."""
    odds = edges.log_softmax(0)
    count = len(offsets)
    both = odds[:count, 0][:, None] + odds[:count, 1][None]
    both = both.masked_fill(
        ~torch.ones(count, count).triu().tril(MAX_STRING_TOKENS - 1).bool(), -torch.inf
    )
    best = both.flatten().topk(min(5, both.numel()))
    found = []
    for score, at in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        start, end = offsets[at // count][0], offsets[at % count][1]
        start, end = whole_words(text, start, end)
        value = text[start:end]
        if value and parameter.allows(value) and score > -20:
            found.append(Claim(score + min(present, 0.0), parameter, start, end, value))
    return found


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """A run of characters widened to whole words, without the marks around them."""
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def settle(claims: list[Claim]) -> dict[str, Any]:
    """One value a parameter, no word used twice; the surest first."""
    found: dict[str, Any] = {}
    taken: list[tuple[int, int]] = []
    for claim in sorted(claims, key=lambda c: -c.score):
        free = all(claim.end <= a or claim.start >= b for a, b in taken)
        if free and claim.parameter.name not in found:
            found[claim.parameter.name] = claim.value
            taken.append((claim.start, claim.end))
    return found
