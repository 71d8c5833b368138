"""Numbers in what a recognizer wrote: 21, 1,000, twenty one, half a, minus three point five."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from antiphon.text.rewriting import listed

_SMALL = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen "
            "fourteen fifteen sixteen seventeen eighteen nineteen"
        )
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_RANKS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "twentieth": 20,
}  # fmt: skip
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "third": 1 / 3}
_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?|\.\d+|[a-z]+|\S", re.I)


@dataclass(frozen=True)
class Number:
    """A number and where it is said."""

    value: float
    start: int
    """First character."""
    end: int
    """One past the last one."""

    @property
    def tidy(self) -> int | float:
        """The value, without a fraction if it has none."""
        return int(self.value) if float(self.value).is_integer() else self.value


def numbers(text: str) -> list[Number]:
    """All numbers of a text, from left to right."""
    words = [(m.group().lower(), m.start(), m.end()) for m in _WORD.finditer(text)]
    words = [w for w in words if w[0] != "-" or not _between_letters(text, w[1])]
    return list(_found([w for w, _, _ in words], words))


def _between_letters(text: str, at: int) -> bool:
    return text[at - 1 : at].isalpha() and text[at + 1 : at + 2].isalpha()


def _found(words: list[str], places: list[tuple[str, int, int]]) -> Iterator[Number]:
    at = 0
    while at < len(words):
        value, after = _number(words, at)
        if value is None:
            at += 1
            continue
        start = places[at][1]
        if at and words[at - 1] in ("minus", "negative", "-"):
            value, start = -value, places[at - 1][1]
        yield Number(value, start, places[after - 1][2])
        at = after


def _number(words: list[str], at: int) -> tuple[float | None, int]:
    """The number that begins at a word and the word after it; None if none does."""
    word = words[at]
    if word in _FRACTIONS and word != "third":
        return _FRACTIONS[word], at + 1 + (words[at + 1 : at + 2] in (["a"], ["an"]))
    if word == "dozen":
        return 12.0, at + 1
    whole, after = _whole(words, at)
    if whole is None:
        if word == "point" and _digit(words, at + 1) is not None:
            return _decimals(0.0, words, at)
        rank = _RANKS.get(word)
        return (None, at) if rank is None else (float(rank), at + 1)
    if words[after : after + 1] == ["point"] and _digit(words, after + 1) is not None:
        return _decimals(whole, words, after)
    if words[after : after + 1] == ["and"]:
        rest = words[after + 1 : after + 3]
        if rest[:1] == ["a"] and rest[1:] and rest[1] in _FRACTIONS:
            return whole + _FRACTIONS[rest[1]], after + 3
    if words[after : after + 1] == ["dozen"]:
        return 12 * whole, after + 1
    return whole, after


def _digit(words: list[str], at: int) -> int | None:
    word = words[at] if at < len(words) else ""
    return int(word) if word.isdecimal() else _SMALL.get(word)


def _decimals(whole: float, words: list[str], point: int) -> tuple[float, int]:
    said, at = "", point + 1
    while (digit := _digit(words, at)) is not None:
        said, at = said + str(digit), at + 1
    return float(f"{int(whole)}.{said}"), at


def _whole(words: list[str], at: int) -> tuple[float | None, int]:
    """A number without a spoken fraction."""
    if words[at][0].isdecimal() or (words[at][0] == "." and len(words[at]) > 1):
        value = float(re.sub(r"[a-z,]", "", words[at], flags=re.I))
        scale = _SCALES.get(words[at + 1]) if at + 1 < len(words) else None
        return (value * scale, at + 2) if scale else (value, at + 1)
    total, group, seen, last = 0, 0, False, 10**12
    while at < len(words):
        word = words[at]
        if word in _TENS and last > 99:
            group, last = group + _TENS[word], 10
        elif word in _RANKS and last == 10 and _RANKS[word] < 10:
            return float(total + group + _RANKS[word]), at + 1
        elif word in _SMALL and (last > 99 or (last == 10 and 0 < _SMALL[word] < 10)):
            group, last = group + _SMALL[word], 1
        elif word in _SCALES and (seen or words[at - 1 : at] == ["a"]):
            scale = _SCALES[word]
            group = max(group, 1) * scale
            if scale > 100:
                total, group = total + group, 0
            last = scale
        elif not _joins(words, at, last, seen):
            break
        seen, at = True, at + 1
    return (float(total + group), at) if seen else (None, at)


def _joins(words: list[str], at: int, last: int, seen: bool) -> bool:
    """Whether a word belongs to a number without counting: a hundred AND one, twenty - one."""
    after = words[at + 1] if at + 1 < len(words) else ""
    if words[at] == "a":
        return not seen and after in _SCALES
    if words[at] == "and":
        return last in _SCALES.values() and (after in _SMALL or after in _TENS)
    return words[at] == "-" and last == 10
