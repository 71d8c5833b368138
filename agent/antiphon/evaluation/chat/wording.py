"""The words of a reply, however they are written: apostrophes, contractions, numbers, sentences."""

from __future__ import annotations

import re

from antiphon.tools.spoken_numbers import numbers

_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "‑": "-"})
_NOT = re.compile(r"(?<=\w)n't\b")
_NO_NUMBER = re.compile(
    r"(?:a )?(?:one|half|quarter|third|first|second|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    r"|.*\d(?:st|nd|rd|th)"
)
"""Matches words that are numbers in form: a pronoun, a rank, a fraction."""


def plain(text: str) -> str:
    """Lower case, straight apostrophes, "not" spelled out: "Don’t" becomes "do not"."""
    lower = text.translate(_MARKS).lower()
    for short, long in (("can't", "can not"), ("cannot", "can not"), ("won't", "will not")):
        lower = lower.replace(short, long)
    return " ".join(_NOT.sub(" not", lower).split())


def in_digits(text: str) -> str:
    """The plain text with its numbers in digits; "one" and ranks stay as they are."""
    text, done, parts = plain(text), 0, list[str]()
    for number in numbers(text):
        written = text[number.start : number.end]
        if _NO_NUMBER.fullmatch(written):
            continue
        sign = "minus " if number.value < 0 else ""
        parts += [text[done : number.start], f"{sign}{abs(number.tidy)}"]
        done = number.end
    return "".join([*parts, text[done:]])


def sentences(text: str) -> list[str]:
    """Sentences, and the lines of a list."""
    return [part.strip() for part in re.split(r"(?<=[.!?])[\"')]*\s+|\n+", text) if part.strip()]


def words(text: str) -> list[str]:
    """The words of the plain text, apostrophes kept, without other marks."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain(text))
