"""Numbers with what belongs to them: sign, money, scale, range, unit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, listed, rule, word_after, word_before
from antiphon.text.rules.number_words import (
    NUMBER,
    cardinal,
    code,
    fraction,
    number,
    ordinal,
    spelled,
    year,
)
from antiphon.text.rules.units_of_measure import COUNTRIES, CURRENCIES, SCALES, UNITS

_MONEY = "[$€£¥₹]"
_START = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9][.,'])(?<!\^)(?<!\^-)"
_UNIT = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True) if len(u) > 1)
_QUANTITY = re.compile(
    rf"{_START}(?P<sign>(?<![\w)^])[-+] ?(?={_MONEY}?\.?\d))?"
    rf"(?:(?P<country>\b(?:{'|'.join(COUNTRIES)}))?(?P<money>{_MONEY}) ?)?"
    rf"(?P<first>{NUMBER})"
    rf"(?:(?P<to> ?[–—] ?|-){_MONEY}?(?P<last>{NUMBER}))?"
    rf"(?:(?P<scale>(?:[ -]?(?:thousand|[mb]illion|trillion|bn|mn|tn)|[kKMBTmb])(?![A-Za-z0-9]))|)"
    rf"(?:(?P<gap>[ -]?)(?P<unit>{_UNIT}|[mgshlLVJK]|[WN](?!\.? [A-Z])|(?<=\d)(?:in|C|F))"
    rf"(?P<power>\^?[23])?"
    rf"(?![A-Za-z0-9])|(?P<symbol> ?[%°])|(?P<behind> ?{_MONEY})(?!\d)"
    rf"|(?P<times>x)(?![A-Za-z0-9]))?"
    rf"(?P<per> ?/ ?(?P<each>[A-Za-z]{{1,6}})(?P<eachpower>\^?[23])?(?![A-Za-z0-9]))?"
    rf"(?P<stop>\.(?=[ ,)]+[a-z]))?(?![A-Za-z0-9])"
)
_EACH = {
    "mo": "month", "yr": "year", "wk": "week", "d": "day", "lb": "pound", "s": "second",
    "h": "hour", "sqft": "square foot",
} | {
    word: word for word in listed(
        "second minute hour day night week month year person people head mile gallon pound "
        "share user unit piece liter kilo ton square"
    )
}  # fmt: skip
_YEAR_CUES = frozenset(
    listed(
        "in since by from until till before after during of around circa year early late mid "
        "and between to through spring summer fall autumn winter the ad year's january "
        "february march april may june july august september october november december"
    )
)
_COUNT_CUES = frozenset(
    listed("about over nearly than exactly approximately almost roughly under only")
)
_NOT_NOUNS = frozenset(
    listed(
        "is was as has its this his us does across always plus perhaps unless versus s "
        "besides yes census"
    )
)


def _speak(match: re.Match[str]) -> Sequence[Piece] | None:
    first, last, unit = match["first"], match["last"], match["unit"] or ""
    money = match["money"] or (match["behind"] or "").strip()
    scale = SCALES[match["scale"].strip(" -")] if match["scale"] else ""
    if match["scale"] in ("m", "b") and not money:
        unit, scale = match["scale"], ""  # 5m is five meters, $5m five million dollars
    elif match["scale"] == "K" and not money:
        scale = "K"  # 4K is a screen, 10K a run
    pieces: list[Piece] = []
    if match["sign"]:
        pieces.append(("minus" if match["sign"][0] == "-" else "plus", match.start("sign")))
    at = match.start("first")
    if money and not scale and last is None and re.fullmatch(r"[\d,]*\.\d\d", first):
        pieces += _coins(first, money, at, _country(match))
    else:
        bare = not (money or scale or unit or match["symbol"] or match["times"])
        pieces.append((_plain(match, first, bare), at))
        if last is not None:
            pieces += [("to", match.start("to")), (_end(first, last, bare), match.start("last"))]
        if scale:
            pieces.append((scale, match.start("scale")))
        one = first == "1" and last is None and not scale
        if money:
            where = match.start("money") if match["money"] else match.start("behind")
            name = CURRENCIES[money][0 if one else 1]
            pieces.append((f"{_country(match)} {name}".strip(), where))
        pieces += _measure(match, unit, one or match["gap"] == "-")
    if match["times"]:
        pieces.append(("times", match.start("times")))
    if match["per"]:
        each = _each(match["each"], match["eachpower"])
        pieces.append((f"per {each}" if each else f"/{match['each']}", match.start("per")))
    if match["stop"] and not unit:
        pieces.append((".", match.start("stop")))
    return pieces


def _country(match: re.Match[str]) -> str:
    return COUNTRIES[match["country"]] if match["country"] else ""


def _coins(first: str, money: str, at: int, country: str) -> list[Piece]:
    """$3.50 is three dollars and fifty cents."""
    one, many, cent, cents = CURRENCIES[money]
    whole, _, hundredths = first.partition(".")
    amount = int(whole.replace(",", "") or "0")
    pieces: list[Piece] = []
    if amount or hundredths == "00":
        name = one if amount == 1 else many
        pieces.append((f"{cardinal(whole or '0')} {country} {name}", at))
    if hundredths != "00":
        small = cardinal(str(int(hundredths)))
        words = f"{small} {cent if hundredths == '01' else cents}"
        pieces.append((f"and {words}" if pieces else words, at + len(whole) + 1))
    return pieces


def _measure(match: re.Match[str], unit: str, one: bool) -> list[Piece]:
    if match["symbol"]:
        name = UNITS[match["symbol"].strip()][0 if one else 1]
        return [(name, match.start("symbol"))]
    if not unit:
        return []
    at = match.start("unit") if match["unit"] else match.start("scale")
    names = UNITS[{"in": "in.", "C": "°C", "F": "°F"}.get(unit, unit)]
    power = (match["power"] or "").lstrip("^")
    prefix = {"2": "square ", "3": "cubic "}.get(power, "")
    return [(prefix + names[0 if one else 1], at)]


def _each(written: str, power: str | None) -> str:
    """What stands behind "per"; "" if it is no unit."""
    name = _EACH.get(written) or _EACH.get(written.lower()) or UNITS.get(written, ("",))[0]
    if power and name:
        squared = power.endswith("2")
        if written == "s":
            return f"second {'squared' if squared else 'cubed'}"
        return f"{'square' if squared else 'cubic'} {name}"
    return name


def _plain(match: re.Match[str], written: str, bare: bool) -> str:
    """A year, an identifier or a count."""
    if bare and re.fullmatch(r"1[1-9]\d\d|20\d\d", written) and (match["last"] or _is_year(match)):
        return year(written)
    if bare and re.fullmatch(r"10\d\d", written) and word_before(match).lower() in ("in", "since"):
        return year(written)
    return number(written)


def _is_year(match: re.Match[str]) -> bool:
    before, after = word_before(match).lower(), word_after(match)
    if match["sign"] or before in _COUNT_CUES:
        return False
    if before in _YEAR_CUES:
        return True
    if match.string[match.start() - 1 : match.start()] == "(":
        return True
    counted = re.search("[^su]s$", after) and after.islower() and after not in _NOT_NOUNS
    return not counted and not (match["first"].endswith("000"))


def _end(first: str, last: str, bare: bool) -> str:
    """The upper end of a range: 2019-20 is twenty nineteen to twenty."""
    years = bare and re.fullmatch(r"1[1-9]\d\d|20\d\d", first)
    if years and re.fullmatch(r"\d{4}", last):
        return year(last)
    return number(last)


_UNIT_BEHIND = rf"(?:[ -](?P<unit>{_UNIT}|[mgsh]|in)(?![A-Za-z0-9/])\.?)?"


@rule(
    rf"{_START}(?:(?P<whole>\d{{1,4}})[ -])?(?P<top>\d{{1,5}})/(?P<bottom>\d{{1,5}})"
    rf"(?![\w/]|\.\d){_UNIT_BEHIND}"
)
def _fraction(match: re.Match[str]) -> Sequence[Piece] | None:
    whole, top, bottom = match["whole"], match["top"], match["bottom"]
    fixed = {("9", "11"): "nine eleven", ("24", "7"): "twenty-four seven"}.get((top, bottom))
    if top == bottom:
        fixed = f"{cardinal(top)} {cardinal(bottom)}"
    pieces = [(fixed or fraction(top, bottom), match.start("top"))]
    if whole:
        pieces.insert(0, (cardinal(whole) + " and", match.start("whole")))
    if match["unit"] == "in":
        pieces.append(("in", match.start("unit")))
    elif match["unit"]:
        pieces.append((UNITS[match["unit"]][1 if whole else 0], match.start("unit")))
    return pieces


@rule(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ST|ND|RD|TH)(?![A-Za-z0-9])")
def _ordinal(match: re.Match[str]) -> Sequence[Piece]:
    return [(ordinal(match[1].replace(",", "")), match.start())]


@rule(r"(?<![\w.])v?(\d{1,6}(?:\.\d{1,6}){2,6})(?![\w]|\.\d)")
def _version(match: re.Match[str]) -> Sequence[Piece]:
    joint = "dot" if match[1].count(".") == 3 else "point"
    pieces: list[Piece] = [("version", match.start())] if match[0][0] == "v" else []
    for part in re.finditer(r"\d+", match[1]):
        words = code(part[0]) if joint == "dot" else cardinal(part[0])
        at = match.start(1) + part.start()
        pieces += [(joint, at - 1), (words, at)] if part.start() else [(words, at)]
    return pieces


@rule(r"(?<![\w.])(\d)'(\d{1,2})(?:\"|'')?(?!\w)")
def _height(match: re.Match[str]) -> Sequence[Piece]:
    return [(f"{cardinal(match[1])} foot", match.start()), (cardinal(match[2]), match.start(2))]


@rule(r"(?<![A-Za-z0-9])#(?=\d)")
def _hash(match: re.Match[str]) -> Sequence[Piece]:
    return [("number", match.start())]


@rule(rf"\^\{{?(-?)(\d{{1,6}})\}}?{_UNIT_BEHIND}")
def _power(match: re.Match[str]) -> Sequence[Piece]:
    words = {"2": "squared", "3": "cubed"}.get(match[2], f"to the power of {number(match[2])}")
    pieces = [(f"to the minus {number(match[2])}" if match[1] else words, match.start())]
    if match["unit"]:
        pieces.append(
            ("in" if match["unit"] == "in" else UNITS[match["unit"]][1], match.start("unit"))
        )
    return pieces


@rule(r"(?<![A-Za-z0-9-])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?![A-Za-z0-9])")
def _code(match: re.Match[str]) -> Sequence[Piece] | None:
    """Letters and digits in one word: MP3, COVID-19, H2O."""
    if not any(c.isdigit() for c in match[0]):
        return None
    parts = re.finditer(r"[A-Z]+s?(?![a-z])|[A-Za-z]+|\d+", match[0])
    return [
        (code(part[0]) if part[0].isdigit() else part[0], match.start() + part.start())
        for part in parts
    ]


@rule(r"\d+")
def _rest(match: re.Match[str]) -> Sequence[Piece]:
    return [(cardinal(match[0]) if len(match[0]) < 7 else spelled(match[0]), match.start())]


RULES: tuple[Rule, ...] = (
    _ordinal,
    _height,
    _version,
    _hash,
    _fraction,
    Rule(_QUANTITY, _speak),
    _power,
    _code,
    _rest,
)
