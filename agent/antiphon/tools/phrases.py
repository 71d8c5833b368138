"""What is said of a call: what was understood, what is missing, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from antiphon.tools.call import Call, Result
from antiphon.tools.rules.polarity import verb_for, verbs_of
from antiphon.tools.rules.units import unit_in
from antiphon.tools.tool import Parameter, Tool, words_of

REQUEST = re.compile(
    r"(?:please |hey |robot |so |can you tell me |tell me |do you know )*"
    r"(?:is|are|was|were|am|do|does|did|has|have|can|could|will|would|if|whether)\b",
    re.I,
)
_PLACE = re.compile(r"\{(\w+)\}")
_GENERIC = frozenset(("set", "turn", "switch", "toggle", "control", "change", "make", "power"))
"""Verbs of a tool's name that a boolean's own verb replaces."""
_ASSIGNS = frozenset(("set", "change", "adjust"))
_PLACES = frozenset(("room", "place", "location", "area", "zone"))
MAX_CHARACTERS = 400
"""Characters of a result that are read out."""
DECLINED = "All right, I won't."
"""What is said after a no."""


def described(tool: Tool, call: Call) -> str:
    """What a call does, as it was understood: "unlock the door", "drive 2 meters"."""
    said = [p for p in tool.parameters if p.name in call.arguments]
    switch = next((p for p in said if p.kind == "boolean"), None)
    name = words_of(tool.name)
    if switch:
        verb = verb_for(switch, tool, call.arguments[switch.name])
        known = _GENERIC | verbs_of(switch, tool)
        things = [word for word in name.split() if word not in known]
        name = f"{verb} the {' '.join(things)}" if things else verb
    details = []
    for parameter in said:
        value, label = call.arguments[parameter.name], words_of(parameter.name)
        if parameter.kind == "string" and not parameter.options and name.endswith(f" {label}"):
            name = f"{name.removesuffix(label)}{value}"  # "add milk" rather than "add item milk"
        elif parameter is not switch:
            details.append(_detail(parameter, value))
    joint = (
        " to " if name.split()[0] in _ASSIGNS and details[:1] and details[0][0].isdigit() else " "
    )
    return ", ".join([f"{name}{joint}{details[0]}", *details[1:]]) if details else name


def _detail(parameter: Parameter, value: Any) -> str:
    """An argument as it is read back."""
    label = words_of(parameter.name)
    if parameter.options and isinstance(value, str):
        return f"in the {words_of(value)}" if label in _PLACES else words_of(value)
    if unit := unit_in(label):
        one = value == 1 and not unit.startswith("deg")
        return f"{plain(value)} {unit if one else label.split()[-1]}"
    return f"{label} {plain(value)}"


def confirmation(told: Iterable[str]) -> str:
    """The question that waits for a yes.

    Args:
        told: what each call does.
    """
    return f"Shall I {' and then '.join(told)}?"


Phrase = Callable[[str, Any], str | None]
"""Writes what a tool returned as a sentence, given what the user had said; None: it cannot."""


def no_phrase(said: str, value: Any) -> None:
    """Leaves it at the plain sentence."""


def reply(
    tool: Tool, call: Call, result: Result, text: str = "", phrase: Phrase = no_phrase
) -> str:
    """A short answer.

    Args:
        tool: that was called.
        call: with which arguments.
        result: what came of it.
        text: what the user had said; a question is answered differently from an order.
        phrase: writes a sentence for a tool that has none of its own.
    """
    if not result.ok:
        why = (result.error or "").strip().rstrip(".")
        return f"Sorry, that did not work: {why}." if why else "Sorry, that did not work."
    if tool.says is not None and (said := written(tool.says, call, result.value)) is not None:
        return said
    return phrase(text, result.value) or told(result.value, bool(REQUEST.match(text.strip())))


def ask(call: Call) -> str:
    """What is said when something required is missing."""
    missing = " and the ".join(words_of(name) for name in call.missing)
    return f"Please say the {missing}, too."


def written(pattern: str, call: Call, value: Any) -> str | None:
    """A tool's own sentence; None if the result lacks something it names."""
    known = {**call.arguments, "value": value}
    if isinstance(value, Mapping):
        known |= value
    names = _PLACE.findall(pattern)
    if any(known.get(name) is None for name in names):
        return None
    return _PLACE.sub(lambda m: plain(known[m[1]]), pattern)


def told(value: Any, asked: bool) -> str:
    """A returned value as a sentence."""
    if isinstance(value, bool):
        return ("Yes." if value else "No.") if asked else ("Done." if value else "It was not done.")
    if value is None or value == {} or value == []:
        return "Done."
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(next(iter(value.values())), bool):
            [(name, yes)] = value.items()
            label = words_of(str(name))
            return f"Yes, {label}." if yes else f"No, not {label}."
        said = ", ".join(f"{words_of(str(name))} {plain(v)}" for name, v in value.items())
    else:
        said = plain(value)
    said = " ".join(said.split())[:MAX_CHARACTERS].strip()
    said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."


def plain(value: Any) -> str:
    """A value as words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        return ", ".join(f"{words_of(str(k))} {plain(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        words = [plain(item) for item in value]
        return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    return "nothing" if value is None else str(value)
