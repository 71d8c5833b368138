"""Yes or no: which way an utterance wants a boolean.

A parameter's name says which way is true: `on`, `locked` and `muted` are true after "turn on",
"lock" and "mute", and false after "turn off", "unlock" and "unmute".
"""

from __future__ import annotations

import re

from antiphon.tools.tool import Parameter, Tool, words_of

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
_GENERAL = 0
"""The pair that also serves parameters such as `active` or `power`: on and off."""


def _sides() -> list[tuple[list[str], list[str]]]:
    return [
        tuple([word.replace("_", " ") for word in side.split()] for side in pair)  # type: ignore[misc]
        for pair in _PAIRS
    ]


_SIDES = _sides()


def yes_or_no(text: str, parameter: Parameter, tool: Tool) -> bool | None:
    """The boolean an utterance wants; None: nothing says which.

    Args:
        text: the utterance.
        parameter: the boolean.
        tool: it belongs to; its description helps where the name says nothing.
    """
    lower = " ".join(text.lower().replace("’", "'").split())
    for index, positive in [*_pairs(parameter, tool), (_GENERAL, True)]:
        ahead, behind = (_last(lower, side) for side in _SIDES[index])
        if ahead != behind:
            said = (ahead > behind) is positive
            return said if not _negated(lower) else not said
    return False if _NEGATIVE.search(lower) else None


def verb_for(parameter: Parameter, tool: Tool, value: bool) -> str:
    """What a boolean does: "unlock" for `locked=False`."""
    index, positive = _pairs(parameter, tool)[0]
    verb = _SIDES[index][value is not positive][0]
    return f"turn {verb}" if index == _GENERAL else verb


def verbs_of(parameter: Parameter, tool: Tool) -> frozenset[str]:
    """All words for what a boolean does, either way."""
    ahead, behind = _SIDES[_pairs(parameter, tool)[0][0]]
    return frozenset((*ahead, *behind))


def _pairs(parameter: Parameter, tool: Tool) -> list[tuple[int, bool]]:
    """Pairs of a boolean, by its name, its description or its tool's; on and off if none fits."""
    for text in (words_of(parameter.name), parameter.description, tool.description):
        if pairs := _pairs_of(text.lower()):
            return pairs
    return [(_GENERAL, True)]


def _pairs_of(name: str) -> list[tuple[int, bool]]:
    """Pairs a name belongs to, and whether it is on their first side."""
    found = []
    for index, sides in enumerate(_SIDES):
        first, second = (_last(name, side) for side in sides)
        if first != second:
            found.append((index, first >= 0 and (second < 0 or first < second)))
    return found


def _last(text: str, words: list[str]) -> int:
    """Where the last of some words begins, as a whole word; -1: nowhere."""
    forms = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    places = [match.start() for match in re.finditer(rf"(?<!\w)(?:{forms})(?!\w)", text)]
    return places[-1] if places else -1


def _negated(lower: str) -> bool:
    """Whether a "not" turns the meaning round; "do not forget to" does not."""
    rest = re.sub(r"\b(?:don't|dont|do not|never) (?:forget|hesitate)\b", " ", lower)
    return bool(re.search(r"\b(?:not|no longer|never)\b", rest))
