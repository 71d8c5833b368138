"""Numbers with what belongs to them: sign, money, scale, range, unit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, counted, listed, rule, word_after, word_before
from antiphon.text.rules.number_words import (
    NUMBER,
    cardinal,
    fraction,
    number,
    ordinal,
    pair,
    spelled,
    year,
)
from antiphon.text.rules.places import DIRECTIONS
from antiphon.text.units_of_measure import (
    ANY_CASE,
    COUNTRIES,
    CURRENCIES,
    SCALES,
    SIGNS,
    UNITS,
    currency,
    unit,
)


def _longest_first(words: Sequence[str]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


_MONEY = rf"(?:{_longest_first([c for c in CURRENCIES if len(c) > 1])}|[{SIGNS}])"
_START = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9][.,'])(?<!\.\.)(?<!\^)(?<!\^-)"
_UNIT = _longest_first([u for u in UNITS if len(u) > 1]) + rf"|(?i:{_longest_first([*ANY_CASE])})"
_COMMA = (  # 12,50 € and 1.299,00 €; 1,5 l; 100 000
    rf"\d{{1,3}}(?:\.?\d{{3}})*,\d\d(?= ?{_MONEY})|(?<=€)\d+,\d\d(?!\d)"
    rf"|0,\d{{1,2}}(?= [a-z])|\d{{1,4}},\d{{1,2}}(?= ?(?:{_UNIT}|[mlLg%°])(?![A-Za-z0-9]))"
    r"|\d{1,3}(?: \d{3})* 000(?!\d)"
)
_NUMBER = rf"(?:{_COMMA}|{NUMBER})"
_QUANTITY = re.compile(
    rf"{_START}(?P<sign>(?<![\w)^])[-+] ?(?={_MONEY}?\.?\d))?"
    rf"(?:(?P<country>\b(?:{'|'.join(COUNTRIES)})(?=\$))?(?P<money>{_MONEY})(?:(?<=Rs)\.)? ?)?"
    rf"(?P<first>{_NUMBER})"
    rf"(?:(?P<to> ?[–—] ?|-){_MONEY}?(?P<last>{_NUMBER}))?"
    rf"(?P<scale>(?:[ -]?(?i:hundred|thousand|[mb]illion|trillion|bn|mn|tn)"
    rf"|(?(money) ?)[kKMBTmb])(?![A-Za-z0-9]))?"
    rf"(?:(?P<gap>[ -]?)(?P<unit>{_UNIT}|[mgshlLVKΩ]|W(?!\.? [A-Z])|(?<= )[NJ](?!\.? [A-Z])"
    rf"|(?<=\d)(?:in|C|F)|(?<=\d\d )[CF](?! ?[A-Z'])"
    rf"|(?<=ft \d )in|(?<=ft \d\d )in|in(?= (?:wide|long|tall|high|deep|thick|x|by)\b))"
    rf"(?P<power>\^?[23])?"
    rf"(?![A-Za-z0-9])|(?P<symbol> ?[%°‰])|(?P<behind> ?(?:{_MONEY}))(?![A-Za-z\d])"
    rf"|(?P<inch>\")|(?P<times>x)(?![A-Za-z0-9]|[-+*/=^]|\s+[-+*/=^—]\s))?"
    rf"(?P<per> ?/ ?(?P<each>[A-Za-z]{{1,6}})(?P<eachpower>\^?[23])?(?![A-Za-z0-9]))?"
    rf"(?P<stop>\.(?=[ ,)]+[a-z]|,|[ ]\d+ ?(?:in|oz|min|sec)\b))?(?![A-Za-z0-9])"
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
_NOT_MEASURED = frozenset(
    listed(
        "a an the and or nor but if as so that which in of to for per at on off from with by into "
        "than over under above below when while will would can could has have had is was are "
        "were it he she they we you each more less wide long tall high deep thick away apart "
        "left old ago later up down total x"
    )
)
_MEASURED = frozenset(
    listed(
        "lamp bulb battery monitor screen display tv laptop tablet disk run walk race hike drive "
        "bill note coin bottle bag cable rope pipe motor engine charger outlet circuit supply "
        "hose ladder fence wall pizza sub"
    )
)
"""What is named by its measure: a 40 W lamp is a forty watt lamp."""


def _speak(match: re.Match[str]) -> Sequence[Piece] | None:
    first, last, written = match["first"], match["last"], match["unit"] or ""
    money = match["money"] or (match["behind"] or "").strip()
    scale = (match["scale"] or "").strip(" -")
    scale = SCALES.get(scale) or SCALES.get(scale.lower(), "")
    if match["scale"] == "m" and not money:
        written, scale = "m", ""  # 5m is five meters, $5m five million dollars
    elif match["scale"] in ("K", "b") and not money:
        scale = match["scale"]  # 4K is a screen, 10K a run
    pieces: list[Piece] = []
    if match["sign"]:
        pieces.append(("minus" if match["sign"][0] == "-" else "plus", match.start("sign")))
    one = _plain(first) == "1" and last is None and not scale
    singular = one or match["gap"] == "-" or _attributive(match)
    if money and not scale and "." in _plain(first) + _plain(last or ""):
        pieces += _price(match, "first", money, singular)
        if last is not None:
            pieces += [("to", match.start("to")), *_price(match, "last", money, singular)]
    else:
        bare = not (money or scale or written or match["symbol"] or match["times"])
        pieces.append((_count(match, first, bare), match.start("first")))
        if last is not None:
            pieces += [("to", match.start("to")), (_end(first, last, bare), match.start("last"))]
        if scale:
            pieces.append((scale, match.start("scale")))
        if money and word_after(match).lower() != currency(money)[1]:
            where = match.start("money") if match["money"] else match.start("behind")
            pieces.append((_currency(match, money, singular), where))
        pieces += _measure(match, written, singular)
    if match["times"]:
        pieces.append(("times", match.start("times")))
    if match["per"]:
        each = _each(match["each"], match["eachpower"])
        alone = len(match["each"]) == 1 and " " not in match["per"]
        said = each or (match["each"] if alone else "")
        pieces.append((f"per {said}" if said else match["per"], match.start("per")))
    if match["stop"] and not (written or match["per"]):
        pieces.append((".", match.start("stop")))
    return pieces


def _plain(written: str) -> str:
    """A number with a point and nothing else: 1.299,00 is 1299.00."""
    written = written.replace(" ", "")
    if re.search(r"\d,\d{1,2}$", written):
        return written.replace(".", "").replace(",", ".")
    return written.replace(",", "")


def _attributive(match: re.Match[str]) -> bool:
    """Whether a measure names a kind: a $20 bill, a 60 W bulb."""
    after = word_after(match)
    article = word_before(match).lower() in ("a", "an") and after and after not in _NOT_MEASURED
    return bool(article or after.lower() in _MEASURED)


def _currency(match: re.Match[str], money: str, singular: bool) -> str:
    country = COUNTRIES[match["country"]] if match["country"] else ""
    return f"{country} {currency(money)[0 if singular else 1]}".strip()


def _price(match: re.Match[str], group: str, money: str, singular: bool) -> list[Piece]:
    """$3.50 is three dollars and fifty cents."""
    written, at = match[group], match.start(group)
    whole, _, part = _plain(written).partition(".")
    part = part.rstrip("0")
    _, _, cent, cents = currency(money)
    if len(part) > 2 or not cent:
        amount = number(f"{whole}.{part}" if part else whole)
        return [(amount, at), (_currency(match, money, singular), at)]
    pieces: list[Piece] = []
    if int(whole or "0") or not part:
        name = _currency(match, money, singular or whole == "1")
        pieces.append((f"{cardinal(whole or '0')} {name}", at))
    if part:
        count = int(part.ljust(2, "0"))
        words = f"{cardinal(str(count))} {cent if count == 1 else cents}"
        small = at + re.search(r"[.,]\d*$", written).start() + 1  # type: ignore[union-attr]
        pieces.append((f"and {words}" if pieces else words, small))
    return pieces


def _measure(match: re.Match[str], written: str, singular: bool) -> list[Piece]:
    if match["symbol"]:
        return [(UNITS[match["symbol"].strip()][0 if singular else 1], match.start("symbol"))]
    if match["inch"] and not _closes_quote(match):
        return [("inch" if singular or _names(match) else "inches", match.start("inch"))]
    if not written:
        return []
    at = match.start("unit") if match["unit"] else match.start("scale")
    names = unit({"in": "in.", "C": "°C", "F": "°F"}.get(written, written))
    power = (match["power"] or "").lstrip("^")
    prefix = {"2": "square ", "3": "cubic "}.get(power, "")
    return [(prefix + names[0 if singular else 1], at)]


def _names(match: re.Match[str]) -> bool:
    after = word_after(match)
    return bool(after) and after not in _NOT_MEASURED


def _closes_quote(match: re.Match[str]) -> bool:
    """Whether the sign for inches ends what a quotation mark before a word has opened."""
    before = match.string[max(0, match.start() - 200) : match.start("inch")]
    marks = re.findall(r'(?<!\d)"(\w?)', before)
    return bool(marks) and marks[-1] != ""


def _each(written: str, power: str | None) -> str:
    """What stands behind "per"; "" if it is no unit."""
    name = _EACH.get(written) or _EACH.get(written.lower()) or UNITS.get(written, ("",))[0]
    if power and name:
        squared = power.endswith("2")
        if written == "s":
            return f"second {'squared' if squared else 'cubed'}"
        return f"{'square' if squared else 'cubic'} {name}"
    return name


def _count(match: re.Match[str], written: str, bare: bool) -> str:
    """A year or a count."""
    if bare and re.fullmatch(r"1[1-9]\d\d|20\d\d", written) and (match["last"] or _is_year(match)):
        return year(written)
    if bare and re.fullmatch(r"\d{4}", written) and word_before(match).lower() == "year":
        return year(written)
    if bare and re.fullmatch(r"10\d\d", written) and word_before(match).lower() in ("in", "since"):
        return year(written)
    return number(_plain(written))


def _is_year(match: re.Match[str]) -> bool:
    before = word_before(match).lower()
    until = re.match(r" (?:to|and|or) (?:1[1-9]|20)\d\d\b", match.string[match.end() :][:9])
    if match["sign"] or (before in _COUNT_CUES and not until):
        return False
    if before in _YEAR_CUES or match.string[match.start() - 1 : match.start()] == "(":
        return True
    return not counted(match) and not match["first"].endswith("000")


def _end(first: str, last: str, bare: bool) -> str:
    """The upper end of a range: 2019-20 is twenty nineteen to twenty."""
    years = bare and re.fullmatch(r"1[1-9]\d\d|20\d\d", first)
    if years and re.fullmatch(r"\d{4}", last):
        return year(last)
    if years and len(last) == 2:
        return pair(last)
    return number(_plain(last))


_UNIT_BEHIND = rf"(?:(?:[ -](?P<unit>{_UNIT}|[mgsh]|in)(?![A-Za-z0-9/])\.?)|(?P<inch>\"))?"


@rule(
    rf"{_START}(?:(?P<whole>\d{{1,4}})(?: |-))?(?P<top>\d{{1,5}})/(?P<bottom>\d{{1,5}})"
    rf"(?P<rank>(?i:st|nd|rd|ths?))?(?![\w/]|\.\d){_UNIT_BEHIND}"
)
def _fraction(match: re.Match[str]) -> Sequence[Piece] | None:
    whole, top, bottom = match["whole"], match["top"], match["bottom"]
    fixed = {("9", "11"): "nine eleven", ("24", "7"): "twenty-four seven"}.get((top, bottom))
    if top == bottom and top not in ("5", "10", "100"):
        fixed = f"{cardinal(top)} {cardinal(bottom)}"
    said = fixed or fraction(top, bottom, ranked=bool(match["rank"]))
    pieces = [(said, match.start("top"))]
    if whole:
        pieces.insert(0, (cardinal(whole) + " and", match.start("whole")))
    if match["unit"] == "in":
        pieces.append(("in", match.start("unit")))
    elif match["unit"]:
        pieces.append((unit(match["unit"])[1 if whole else 0], match.start("unit")))
    elif match["inch"]:
        pieces.append(("inch" if _names(match) or not whole else "inches", match.start("inch")))
    return pieces


@rule(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ST|ND|RD|TH)(?![A-Za-z0-9])")
def _ordinal(match: re.Match[str]) -> Sequence[Piece]:
    return [(ordinal(match[1].replace(",", "")), match.start())]


@rule(
    r"(?<![\w.])(\d{1,3}(?:\.\d+)?) ?° ?(?:(\d{1,2}(?:\.\d+)?) ?' ?)?"
    r"(?:(\d{1,2}(?:\.\d+)?) ?(?:\"|'') ?)?(?:([NSEW])(?![A-Za-z]))?"
)
def _coordinate(match: re.Match[str]) -> Sequence[Piece] | None:
    if not (match[2] or match[4]):
        return None
    pieces: list[Piece] = []
    for group, name in ((1, "degree"), (2, "minute"), (3, "second")):
        if match[group]:
            many = "" if match[group] == "1" else "s"
            pieces.append((f"{number(match[group])} {name}{many}", match.start(group)))
    return [*pieces, (DIRECTIONS[match[4]].lower(), match.start(4))] if match[4] else pieces


@rule(
    r"(?<![\w.])(\d)'(?: ?(?=\d{1,2}\"))?(\d{1,2})(?:\"|'')?(?!\w)"
    r"|(?<![\w.])(\d{1,3})'(?= ?(?:tall|long|wide|high|deep|x\b|by\b))"
    r"|(?:(?<=x )|(?<=by ))(\d{1,3})'(?!\w)"
)
def _height(match: re.Match[str]) -> Sequence[Piece]:
    if feet := match[3] or match[4]:
        return [(cardinal(feet), match.start()), ("feet", match.end() - 1)]
    return [(f"{cardinal(match[1])} foot", match.start()), (cardinal(match[2]), match.start(2))]


@rule(r"(?<![A-Za-z0-9])# ?(?=\d)")
def _hash(match: re.Match[str]) -> Sequence[Piece]:
    return [("number", match.start())]


@rule(rf"{_START}({NUMBER})(?:e|(?<=\.\d)E|(?<=\.\d\d)E|E(?=[-+]))([-+]?)(\d{{1,3}})(?!\w|\.\d)")
def _scientific(match: re.Match[str]) -> Sequence[Piece]:
    power = "times ten to the minus" if match[2] == "-" else "times ten to the power of"
    exponent = cardinal(str(int(match[3])))
    return [(number(match[1]), match.start()), (power, match.end(1)), (exponent, match.start(3))]


@rule(r"(?<=[A-Za-z\d)])\^\{?([A-Za-z])(?![A-Za-z])\}?")
def _exponent(match: re.Match[str]) -> Sequence[Piece]:
    return [(f"to the {match[1]}", match.start())]


@rule(rf"\^\{{?(-?)(\d{{1,6}})\}}?{_UNIT_BEHIND}")
def _power(match: re.Match[str]) -> Sequence[Piece]:
    words = {"2": "squared", "3": "cubed"}.get(match[2], f"to the power of {number(match[2])}")
    pieces = [(f"to the minus {number(match[2])}" if match[1] else words, match.start())]
    if match["unit"]:
        name = "in" if match["unit"] == "in" else unit(match["unit"])[1]
        pieces.append((name, match.start("unit")))
    return pieces


@rule(r"\d+")
def _rest(match: re.Match[str]) -> Sequence[Piece]:
    return [(cardinal(match[0]) if len(match[0]) < 7 else spelled(match[0]), match.start())]


RULES: tuple[Rule, ...] = (
    _fraction,
    _ordinal,
    _coordinate,
    _height,
    _hash,
    _scientific,
    Rule(_QUANTITY, _speak),
    _power,
    _exponent,
)
REST: tuple[Rule, ...] = (_rest,)
"""Digits that nothing else has read."""
