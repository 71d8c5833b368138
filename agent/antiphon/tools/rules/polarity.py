"""Yes or no: which way an utterance wants a boolean.

A parameter's name says which way is true: `on`, `locked` and `muted` are true after "turn on",
"lock" and "mute", and false after "turn off", "unlock" and "unmute".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from antiphon.tools.rules.verbs import forms, leading_verbs, one_of
from antiphon.tools.tool import Parameter, Tool, words_of

Side: TypeAlias = tuple[list[str], list[str]]
"""What is said for one value, and for the other."""

_PAIRS = (
    ("on enable enabled activate activated active switch_on turn_on power powered running start "
     "started engage lit", "off disable disabled deactivate deactivated inactive shut_down "
     "turn_off switch_off stop stopped disengage extinguish kill cut out"),
    ("lock locked bolt bolted latch secure secured", "unlock unlocked unbolt unlatch"),
    ("open opened unfold raise_the_blinds", "close closed shut fold"),
    ("mute muted silence silenced quiet", "unmute unmuted"),
    ("arm armed", "disarm disarmed"),
    ("connect connected plug_in attach attached join",
     "disconnect disconnected unplug detach detached leave"),
    ("show shown visible display reveal", "hide hidden conceal"),
    ("pause paused freeze frozen hold", "resume resumed unpause continue unfreeze carry_on"),
    ("raise raised lift lifted up extend extended deploy", "lower lowered down retract retracted"),
    ("inside in enter", "outside leave exit"),
    ("grip gripped grab grasp hold", "release released let_go drop ungrip"),
    ("load loaded fill filled full", "unload unloaded empty emptied drain"),
    ("follow following", "unfollow stay"),
    ("wrap expand expanded", "unwrap collapse collapsed"),
    ("dock docked park parked", "undock undocked"),
    ("record recording", "stop_recording"),
)  # fmt: skip
_NEGATIVE = re.compile(r"\b(?:no|not|don't|dont|false|without|no longer|never)\b")
TOO_MUCH = (
    r"\b(?:do not|don't|dont) (?:(?:be|sound|speak|talk|shout|whisper) (?:\w+ ){0,2}?(?:so|too)|"
    r"make (?:so|too|such)(?: much| a)?(?= (?:noise|racket|din|row)))\b"
)
"""A "don't" that asks for less: "don't speak so fast"."""
_GENERAL = 0
"""The pair that also serves parameters such as `active` or `power`: on and off."""


def _listed(words: str) -> list[str]:
    return [word.replace("_", " ") for word in words.split()]


_SIDES: tuple[Side, ...] = tuple((_listed(ahead), _listed(behind)) for ahead, behind in _PAIRS)


def yes_or_no(text: str, parameter: Parameter, tool: Tool) -> bool | None:
    """The boolean an utterance wants; None: nothing says which.

    Args:
        text: the utterance.
        parameter: the boolean.
        tool: it belongs to; its description helps where the name says nothing.
    """
    lower = " ".join(text.lower().replace("’", "'").split())
    for when_true, when_false in (*sides(parameter, tool), _SIDES[_GENERAL]):
        yes, no = _last(lower, when_true), _last(lower, when_false)
        if yes != no:
            return (yes > no) is not _negated(lower[: max(yes, no)])
    return False if _NEGATIVE.search(re.sub(TOO_MUCH, " ", lower)) else None


def verb_for(parameter: Parameter, tool: Tool, value: bool) -> str:
    """What a boolean does: "unlock" for `locked=False`."""
    verb = sides(parameter, tool)[0][0 if value else 1][0]
    return f"turn {verb}" if verb in ("on", "off") else verb


def verbs_of(parameter: Parameter, tool: Tool) -> frozenset[str]:
    """All words for what a boolean does, either way."""
    ahead, behind = sides(parameter, tool)[0]
    return frozenset((*ahead, *behind))


def sides(parameter: Parameter, tool: Tool) -> list[Side]:
    """What is said for true, and for false.

    By the boolean's name, its description or its tool's: by the two verbs that the tool's
    description begins with ("Inflate or deflate"), by known pairs, else on and off.
    """
    names = (words_of(parameter.name), parameter.description.lower(), tool.description.lower())
    known = next(filter(None, map(_known_sides, names)), [])
    own = _own_side(names[0], tool)
    return [*known, *([own] if own else [])] or [_SIDES[_GENERAL]]


def same_side(word: str) -> list[frozenset[str]]:
    """Groups of words that mean the same as one of a known pair: enable, activate, … for on."""
    return [frozenset(side) for pair in _SIDES for side in pair if word in side]


def _own_side(name: str, tool: Tool) -> Side | None:
    """The verbs of "Inflate or deflate the boat" for `inflated`."""
    verbs = leading_verbs(tool.description)
    said = [any(form in name.split() for form in forms(verb)) for verb in verbs]
    if len(verbs) != 2 or sum(said) != 1:
        return None
    first, second = ([verb] for verb in verbs)
    return (first, second) if said[0] else (second, first)


def _known_sides(name: str) -> list[Side]:
    """Known pairs a name belongs to, the side it is on first."""
    found: list[Side] = []
    for ahead, behind in _SIDES:
        first, second = _last(name, ahead), _last(name, behind)
        if first != second:
            positive = first >= 0 and (second < 0 or first < second)
            found.append((ahead, behind) if positive else (behind, ahead))
    return found


def _last(text: str, verbs: list[str]) -> int:
    """Where the last of some verbs begins, in any form and as a whole word; -1: nowhere.

    Words may stand inside "turn the lamp on": the particle is what counts.
    """
    return max((match.start() for match in _pattern(tuple(verbs)).finditer(text)), default=-1)


@lru_cache(256)
def _pattern(verbs: tuple[str, ...]) -> re.Pattern[str]:
    return one_of({form for verb in verbs for form in forms(verb)})


def _negated(before: str) -> bool:
    """Whether a "not" stands right before what was said: "make it not locked"."""
    return bool(re.search(rf"(?:\b(?:(?<!why )not|no longer|never)(?: be)?|{TOO_MUCH}) $", before))
