"""Which of a parameter's allowed values were said, and whether another one was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from antiphon.tools.rules.direction import same_direction
from antiphon.tools.rules.polarity import same_side
from antiphon.tools.rules.verbs import forms, one_of
from antiphon.tools.spoken_numbers import Number
from antiphon.tools.tool import Parameter, words_of

_PLACE = re.compile(r"\b(?:in|at|of|inside|from|to|on|with) (?:the|my|our) ((?:\w+ )?\w+)")
_NAMES_NOTHING = frozenset(
    ("the", "a", "an", "my", "our", "your", "this", "that", "some", "any", "which", "what", "of")
)


def spelled(option: Any) -> str:
    """An allowed value in words."""
    if isinstance(option, bool):
        return "yes" if option else "no"
    return words_of(option) if isinstance(option, str) else str(option)


def said(text: str, parameter: Parameter, numbers: Sequence[Number]) -> list[int]:
    """Indices of the values that were said: literally, in another form, or by a synonym.

    Of values that contain each other the longest is meant: "dark red", not "red".
    """
    lower = text.lower()
    words = [spelled(option) for option in parameter.options]
    found = [
        i
        for i, option in enumerate(parameter.options)
        if one_of([words[i], f"{words[i]}s", words[i].replace(" ", "")]).search(lower)
        or (not isinstance(option, (str, bool)) and any(n.value == option for n in numbers))
    ]
    if not found:
        found = [i for i in range(len(words)) if _means(lower, i, words)]
    return [
        i
        for i in found
        if not any(i != j and re.search(rf"\b{words[i]}\b", words[j]) for j in found)
    ]


def names_another(text: str, parameter: Parameter) -> bool:
    """Whether something is named where an allowed value would stand, and is none.

    "In the garage" of rooms, "the opera channel" of channels.
    """
    if not all(isinstance(option, str) for option in parameter.options):
        return False
    lower, label = text.lower(), words_of(parameter.name).split()[-1]
    known = {word for option in parameter.options for word in spelled(option).split()}
    places = [set(place.split()) for place in _PLACE.findall(lower)]
    named = [{word} for word in re.findall(rf"(\w+) {label}\b", lower)]
    return any(not words & known and not words <= _NAMES_NOTHING for words in places + named)


def _means(lower: str, index: int, words: Sequence[str]) -> bool:
    """Whether a synonym of a value is said that fits no other value."""
    for group in (same_direction(words[index]), *same_side(words[index])):
        if not any(word in group for i, word in enumerate(words) if i != index):
            inflected = {form for word in group for form in forms(word)}
            if group and one_of(inflected).search(lower):
                return True
    return False
