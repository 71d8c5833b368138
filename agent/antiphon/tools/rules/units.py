"""Quantities: what was said in one unit, in the unit a tool wants (pint)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from antiphon.tools.spoken_numbers import Number
from antiphon.tools.tool import Parameter, Tool, words_of

_NAMES = {
    "millimeter": "millimeters millimeter millimetres millimetre mm",
    "centimeter": "centimeters centimeter centimetres centimetre cm",
    "meter": "meters meter metres metre m",
    "kilometer": "kilometers kilometer kilometres kilometre km kilometer",
    "inch": "inches inch",
    "foot": "feet foot ft",
    "yard": "yards yard",
    "mile": "miles mile",
    "millisecond": "milliseconds millisecond ms",
    "second": "seconds second secs sec s",
    "minute": "minutes minute mins min",
    "hour": "hours hour hrs hr h",
    "day": "days day",
    "week": "weeks week",
    "degree": "degrees degree °",
    "radian": "radians radian rad",
    "turn": "turns turn rotations revolutions rotation revolution",
    "percent": "percent % percentage",
    "degC": "celsius centigrade °c",
    "degF": "fahrenheit °f",
    "kelvin": "kelvin kelvins",
    "gram": "grams gram g",
    "kilogram": "kilograms kilogram kilos kilo kg",
    "pound": "pounds pound lbs lb",
    "ounce": "ounces ounce oz",
    "milliliter": "milliliters milliliter millilitres ml",
    "liter": "liters liter litres litre l",
    "watt": "watts watt w",
    "kilowatt": "kilowatts kilowatt kw",
}
_UNIT_OF = {word: unit for unit, words in _NAMES.items() for word in words.split()}
_LONG = {
    word: unit
    for word, unit in _UNIT_OF.items()
    if (len(word) > 2 or word in ("cm", "mm", "km")) and word not in ("turn", "sec", "min")
}
"""Words that name a unit in a description; "turn" is a verb there, and m many things."""
_WORDS = "|".join(re.escape(word) for word in sorted(_UNIT_OF, key=len, reverse=True))
_FOLLOWS = re.compile(
    rf"[ -]*(?:of )?(?:an? )?({_WORDS})(?!\w)(?: (celsius|fahrenheit|centigrade))?", re.I
)


@dataclass(frozen=True)
class Quantity:
    """A number with the unit that was said behind it."""

    value: float
    unit: str | None
    start: int
    end: int


def unit_of(parameter: Parameter, tool: Tool) -> str | None:
    """The unit a number is wanted in, by the parameter's name, its description or the tool's."""
    numeric = [p for p in tool.parameters if p.kind in ("number", "integer") and not p.options]
    texts = [words_of(parameter.name), parameter.description]
    if len(numeric) == 1:
        texts.append(tool.description)
    return next(filter(None, map(unit_in, texts)), None)


def unit_in(text: str) -> str | None:
    """The unit a name or description names."""
    words = re.findall(r"[a-z°%]+", text.lower())
    found = [_LONG[word] for word in words if word in _LONG]
    exact = (unit for unit in ("percent", "degC", "degF", "kelvin") if unit in found)
    return next(exact, found[0] if found else None)


def quantities(text: str, numbers: Sequence[Number]) -> list[Quantity]:
    """Numbers with their units; "one hour and fifteen minutes" is one quantity."""
    found: list[Quantity] = []
    for number in numbers:
        match = _FOLLOWS.match(text, number.end)
        unit, end = None, number.end
        if match:
            unit, end = _UNIT_OF[match[1].lower()], match.end()
            if match[2]:
                unit = _UNIT_OF[match[2].lower()]
        here = Quantity(number.value, unit, number.start, end)
        if found and unit and found[-1].unit and _adds_up(text, found[-1], here):
            before = found.pop()
            total = convert(before.value, before.unit, unit)
            assert total is not None
            here = Quantity(total + here.value, unit, before.start, end)
        found.append(here)
    return found


def _adds_up(text: str, first: Quantity, second: Quantity) -> bool:
    """Whether two quantities are parts of one, the larger unit first."""
    between = text[first.end : second.start].strip(" ,").lower()
    if between not in ("", "and") or first.unit == second.unit or first.unit is None:
        return False
    if second.unit is None or first.unit.startswith("deg") or second.unit.startswith("deg"):
        return False
    larger = convert(1.0, first.unit, second.unit)
    return larger is not None and larger > 1


def convert(value: float, said: str | None, wanted: str | None) -> float | None:
    """A value in the wanted unit.

    Args:
        value: the number.
        said: the unit that was said; None: none was.
        wanted: by the tool; None: it names none.

    Returns:
        None if the units do not fit each other, or a unit was said and the tool names none.
    """
    if said is None or said == wanted:
        return value
    if said == "degree" and wanted in ("degC", "degF", "kelvin"):
        return value
    if wanted == "degree" and said in ("degC", "degF"):
        return value if said == "degC" else convert(value, said, "degC")
    if wanted is None:
        return value if said == "percent" else None
    registry = _registry()
    try:
        converted = registry.Quantity(value, said).to(wanted).magnitude
    except registry.errors as error:
        del error
        return None
    return float(round(converted, 6))


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry()
    registry.errors = (pint.DimensionalityError, pint.UndefinedUnitError)
    return registry
