"""Places: rooms and seats, street addresses, states with their ZIP codes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import (
    STARTERS,
    Piece,
    Rule,
    counted,
    ends_sentence,
    listed,
    rule,
    verbatim,
    word_before,
)
from antiphon.text.rules.number_words import code, pair, spelled

STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road",
    "Dr": "Drive", "Ln": "Lane", "Ct": "Court", "Pl": "Place", "Sq": "Square", "Ter": "Terrace",
    "Pkwy": "Parkway", "Hwy": "Highway", "Expy": "Expressway", "Fwy": "Freeway", "Cir": "Circle",
    "Trl": "Trail", "Tpke": "Turnpike", "Aly": "Alley",
}  # fmt: skip
_STREETS_IN_FULL = (
    *STREETS.values(),
    *listed("Way Loop Row Walk Plaza Broadway Crescent Hill Run Path Pike Point"),
)
DIRECTIONS = {
    "N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast", "NW": "Northwest",
    "SE": "Southeast", "SW": "Southwest",
}  # fmt: skip
_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "D C", "FL": "Florida",
    "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana",
    "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine",
    "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "PR": "Puerto Rico", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming",
}  # fmt: skip
_ALSO_WORDS = frozenset(listed("HI ID IN LA ME OH OK OR PA MD DC"))
"""States that are words or titles too, so that more must speak for the state."""

_SHORT = {
    "apt": "apartment", "rm": "room", "ste": "suite", "bldg": "building", "fl": "floor",
    "hwy": "highway", "rte": "route", "flt": "flight",
}  # fmt: skip
_SPOTS = "|".join(
    listed(
        "room suite apartment unit flat seat row gate exit platform dock bay locker level floor "
        "building block terminal pier stall booth desk table cabin berth coach carriage wagon "
        "track lot section zone hall door aisle house wing ward lane shelf slot stop pod hangar "
        "classroom studio office bus tram line flight route highway interstate freeway junction "
        "mailbox box car compartment bed cell cubicle bench stand tent"
    )
    + tuple(_SHORT)
)
_SPOT = r"(?:\d{1,4}[A-Za-z]?|[A-Z]\d{1,4}[A-Z]?)"


@rule(
    rf"\b(?P<cue>(?i:{_SPOTS}))(?P<many>s?)\.?"
    r"(?P<number>(?i: number| no\.?| ?\#))?(?: |(?<=\#))"
    rf"(?P<spots>{_SPOT}(?:(?:,? (?:and|or|to) |, ?|[–-]){_SPOT}(?<=[A-Za-z])){{0,4}})"
    r"(?![\w'%°$–-]|[.,:]\d| \d+/\d)"
)
def _spot(match: re.Match[str]) -> Sequence[Piece] | None:
    cue, lettered = match["cue"], re.search("[A-Za-z]", match["spots"])
    if not lettered and (match["many"] or counted(match)):
        return None  # it seats 150 people
    word = _SHORT.get(cue.lower(), cue) + match["many"]
    pieces = [(word.capitalize() if cue[0].isupper() else word, match.start())]
    if match["number"]:
        pieces.append(("number", match.start("number")))
    for part in re.finditer(r"\d+|and|or|to|[A-Za-z]|[–-]|,", match["spots"]):
        said = code(part[0]) if part[0].isdigit() else part[0]
        said = said.upper() if len(said) == 1 and said.isalpha() else said
        pieces.append(("to" if said in "–-" else said, match.start("spots") + part.start()))
    return pieces


@rule(
    r"(?i:\b(?:seat|gate|flat|apartment|platform|room(?= (?:is|was) \d+[ABDEG-Z])) (?:is|was))"
    r" (\d{1,3})([A-Z])(?!\w)"
)
def _spot_is(match: re.Match[str]) -> Sequence[Piece]:
    words = [(w[0], match.start() + w.start()) for w in re.finditer("[A-Za-z]{2,}", match[0])]
    return [*words, (code(match[1]), match.start(1)), (match[2], match.start(2))]


@rule(r"(?<![\w.,$-])(\d{1,3})([A-Z])(?= (?:bus|train|tram|line|seat|gate|exit|room|flight)\b)")
def _spot_behind(match: re.Match[str]) -> Sequence[Piece]:
    return [(code(match[1]), match.start()), (match[2], match.start(2))]


@rule(r"\b((?i:take|catch|ride|board) the) (\d{1,3})([A-Z])(?!\w)")
def _ridden(match: re.Match[str]) -> Sequence[Piece]:
    said = [(code(match[2]), match.start(2)), (match[3], match.start(3))]
    return [*verbatim(match, 1), *said]


@rule(r"\b([Ii]n) (\d{1,2})([A-K])(?=[.,;!?]?(?:\s|$))(?! [a-z])")
def _spot_alone(match: re.Match[str]) -> Sequence[Piece]:
    """A seat or a flat: I sit in 12B."""
    return [
        (match[1], match.start()), (code(match[2]), match.start(2)), (match[3], match.start(3)),
    ]  # fmt: skip


_DIRECTION = "|".join(sorted(DIRECTIONS, key=len, reverse=True))
_NAME = r"(?:\d{1,3}(?:st|nd|rd|th)|[A-Z][A-Za-z'-]*)\.?"
_IN_FULL = "|".join((*_STREETS_IN_FULL, *listed("street avenue road boulevard lane drive")))
_TYPE = rf"(?i:{'|'.join(STREETS)})|{_IN_FULL}"


@rule(
    rf"(?<![\w.,$€£#/-])(?P<number>\d{{1,5}})(?:-(?P<more>\d\d))?(?P<letter>[A-Z]?)"
    rf" +(?:(?P<before>{_DIRECTION})\.? +)?"
    rf"(?P<name>{_NAME}(?: {_NAME}){{0,2}}?) +(?P<type>{_TYPE})\b(?P<stop>\.)?"
    rf"(?:,? (?P<after>{_DIRECTION})\b(?! \w+ ?=))?"
)
def _street(match: re.Match[str]) -> Sequence[Piece] | None:
    number = match["number"]
    if len(number) == 4 and word_before(match).lower() in ("in", "since", "by", "until", "of"):
        return None  # a year
    pieces = [(code(number), match.start())]
    if match["more"]:
        pieces.append((pair(match["more"]), match.start("more")))
    if match["letter"]:
        pieces.append((match["letter"], match.start("letter")))
    if match["before"]:
        pieces.append((DIRECTIONS[match["before"]], match.start("before")))
    pieces += verbatim(match, "name")
    pieces.append((STREETS.get(match["type"].capitalize(), match["type"]), match.start("type")))
    if match["after"]:
        pieces.append((DIRECTIONS[match["after"]], match.start("after")))
    elif match["stop"] and ends_sentence(match):
        pieces.append((".", match.start("stop")))
    return pieces


@rule(
    r"(?<![\w.,$€£#/-])(\d{3,5})(?= (?:North|South|East|West)(?:east|west)? [A-Z])"
    r"|(?<![\w.,$€£#/-])(\d{3,5})(?= (?:(?:State|County|US|Old) )?(?:Hwy|Highway|Route|Rte)\b)"
)
def _house(match: re.Match[str]) -> Sequence[Piece] | None:
    if word_before(match).lower() in ("in", "since", "by", "until", "of"):
        return None
    return [(code(match[0]), match.start())]


@rule(r"(?<!\w)(#) ?(\d{1,4})([A-Z])(?!\w)")
def _apartment(match: re.Match[str]) -> Sequence[Piece]:
    said = (code(match[2]), match.start(2))
    return [("number", match.start()), said, (match[3], match.start(3))]


@rule(r"(?<=\bthe )(N[EW]|S[EW])\b(?= ?[.,;!?)]|$| (?:of|and|corner|side|wind|coast)\b)")
def _quarter(match: re.Match[str]) -> Sequence[Piece]:
    return [(DIRECTIONS[match[1]].lower(), match.start())]


@rule(r"(?<=[a-z],)? (?P<zip>\d{5})(?![\w%°-]|[.,/:]\d)")
def _zip(match: re.Match[str]) -> Sequence[Piece] | None:
    """Beverly Hills 90210."""
    place = word_before(match)
    gap = match.string[max(0, match.start() - 2) : match.start()]
    if not place.istitle() or place in STARTERS or not re.fullmatch("[a-z]|[a-z]?[a-z],?", gap):
        return None
    if match["zip"].endswith("000") or counted(match):
        return None
    return [(spelled(match["zip"]), match.start("zip"))]


@rule(
    rf"(?<![\w.])(?P<direction>{_DIRECTION})\.? (?=(?:\d{{1,3}}(?:st|nd|rd|th)|[A-Z][a-z]+) "
    rf"(?:{'|'.join((*STREETS, *_STREETS_IN_FULL))})\b)"
)
def _street_direction(match: re.Match[str]) -> Sequence[Piece]:
    return [(DIRECTIONS[match["direction"]], match.start())]


@rule(
    rf"(?<=[A-Za-z.,]) {{1,2}}(?P<state>{'|'.join(_STATES)})\b\.?"
    r"(?:,? (?P<zip>\d{5})(?:-(?P<more>\d{4}))?(?![\w-]))?"
)
def _state(match: re.Match[str]) -> Sequence[Piece] | None:
    state, city = match["state"], word_before(match)
    if not city[:1].isupper() or len(city) == 1 or city in STARTERS:
        return None
    if not match["zip"]:
        ended = match[0][-1] == "." or match.string[match.end() : match.end() + 1] in ("", ",")
        if match.string[match.start() - 1] != ",":
            return None
        if state in _ALSO_WORDS and (not ended or state in ("HI", "OK", "MD")):
            return None
    pieces = [(_STATES[state], match.start("state"))]
    if match["zip"]:
        pieces.append((spelled(match["zip"]), match.start("zip")))
    if match["more"]:
        pieces.append((", " + spelled(match["more"]), match.start("more")))
    if match[0][-1] == "." and ends_sentence(match):
        pieces.append((".", match.end() - 1))
    return pieces


RULES: tuple[Rule, ...] = (
    _street, _house, _street_direction, _state, _quarter, _zip, _spot, _spot_is, _apartment,
    _spot_behind, _ridden, _spot_alone,
)  # fmt: skip
