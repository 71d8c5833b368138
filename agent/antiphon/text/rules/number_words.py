"""Numbers in words, American style: 1985 is a year or a count, 007 is read digit by digit."""

from __future__ import annotations

import re
from functools import lru_cache

from antiphon.text.rewriting import listed

_ONES = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = listed("- ten twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = (
    "",
    *listed(
        "thousand million billion trillion quadrillion quintillion sextillion septillion "
        "octillion nonillion"
    ),
)
_IRREGULAR_RANKS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
MAX_CARDINAL_DIGITS = 3 * len(_SCALES)
"""Longer numbers have no name in use."""

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
"""Written number without a sign: 12, 1,234.5, .5"""

_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@lru_cache(16384)
def cardinal(digits: str) -> str:
    """Words of a whole number.

    Args:
        digits: Decimal digits, with or without thousands commas; those with leading zeros or
            longer than any number that has a name are read digit by digit.
    """
    digits = digits.replace(",", "")
    if len(digits) > MAX_CARDINAL_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return spelled(digits)
    value, said = int(digits), []
    for scale in _SCALES:
        value, group = divmod(value, 1000)
        if group:
            said.append(f"{_below_thousand(group)} {scale}".strip())
    return " ".join(reversed(said)) or "zero"


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    said = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        said.append(_TENS[tens] + (f"-{_ONES[ones]}" if ones else ""))
    elif rest:
        said.append(_ONES[rest])
    return " ".join(said)


@lru_cache(4096)
def ordinal(digits: str) -> str:
    """Words of a rank: 1 is first, 22 is twenty-second."""
    said = cardinal(digits.lstrip("0") or "0")
    start, last = re.fullmatch(r"(.*?)([a-z]+)", said).groups()  # type: ignore[union-attr]
    if last not in _IRREGULAR_RANKS:
        return start + (last[:-1] + "ieth" if last[-1] == "y" else last + "th")
    return str(start + _IRREGULAR_RANKS[last])


def spelled(digits: str) -> str:
    """Digit by digit: 007 is zero zero seven."""
    return " ".join(cardinal(digit) for digit in digits if digit.isdigit())


def number(written: str) -> str:
    """Words of `NUMBER`: 3.14 is three point one four."""
    whole, point, fraction = written.partition(".")
    said = cardinal(whole) if whole else ""
    return f"{said} point {spelled(fraction)}".strip() if point else said


def pair(digits: str) -> str:
    """Two digits as in times and years: 05 is oh five."""
    return f"oh {cardinal(digits[1])}" if digits[0] == "0" else cardinal(digits)


def year(digits: str) -> str:
    """Words of a year of any length: nineteen oh five, two thousand five, twenty ten."""
    if len(digits) != 4 or digits[0] == "0" or digits[1:3] == "00":
        return cardinal(digits)
    century, rest = digits[:2], digits[2:]
    return f"{cardinal(century)} {'hundred' if rest == '00' else pair(rest)}"


def plural(said: str) -> str:
    """More of a number: nineties, hundreds, sixes."""
    if said.endswith("y"):
        return said[:-1] + "ies"
    return said + ("es" if said.endswith("x") else "s")


def code(digits: str) -> str:
    """Digits inside a name: A320 is three twenty, B12 is twelve, 10045 is digit by digit."""
    if digits[0] == "0" or len(digits) > 4:
        return spelled(digits)
    if len(digits) == 3 and digits[1:] != "00":
        return f"{cardinal(digits[0])} {pair(digits[1:])}"
    return year(digits)


def fraction(numerator: str, denominator: str, *, ranked: bool = False) -> str:
    """Words of a fraction: one half, three quarters, eight out of ten, five over seventeen.

    Args:
        numerator: decimal digits.
        denominator: decimal digits.
        ranked: whether it was written as a rank: 2/10ths is two tenths.
    """
    top, bottom = int(numerator), int(denominator)
    if not ranked and ((bottom in (10, 100) and top > 1) or top == bottom):
        return f"{cardinal(numerator)} out of {cardinal(denominator)}"
    if not ranked and not 2 <= bottom <= 10 and bottom not in (12, 16, 20, 32, 64, 100, 1000):
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    part = {2: "half", 4: "quarter"}.get(bottom) or ordinal(denominator)
    if top != 1:
        part = "halves" if bottom == 2 else part + "s"
    return f"{cardinal(numerator)} {part}"


def roman(letters: str) -> int:
    """Value of a Roman numeral in capitals; 0 if it is none."""
    if not letters or not _ROMAN.fullmatch(letters):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in letters]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))
