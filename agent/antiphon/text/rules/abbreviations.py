"""Words written short: titles, Latin, streets, initials."""

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
    replace,
    rule,
    stop,
    word_after,
    word_before,
)
from antiphon.text.rules.places import STREETS

_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor",
    "St": "Saint", "Ste": "Saint", "Sen": "Senator", "Rep": "Representative", "Gov": "Governor",
    "Gen": "General", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Col": "Colonel",
    "Cpl": "Corporal", "Maj": "Major", "Cmdr": "Commander", "Rev": "Reverend", "Hon": "Honorable",
    "Pres": "President", "Supt": "Superintendent", "Fr": "Father", "Mt": "Mount", "Ft": "Fort",
    "Messrs": "Messers", "Mme": "Madame", "Mlle": "Mademoiselle",
}  # fmt: skip
_NO_STOP_NEEDED = "Mr|Mrs|Ms|Dr|Prof|St|Mt"
_AFTER_NAMES = {
    **STREETS, "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Corp": "Corporation",
    "Ltd": "Limited", "Esq": "Esquire", "Ctr": "Center",
    "Co": "Company", "Bros": "Brothers", "Univ": "University", "Dept": "Department",
    "Assn": "Association",
}  # fmt: skip
_BEFORE_NUMBERS = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "p": "page",
    "pg": "page", "pgs": "pages", "pp": "pages", "vol": "volume", "ch": "chapter",
    "sec": "section", "eq": "equation", "pt": "part", "art": "article", "apt": "apartment",
    "ca": "circa", "c": "circa",
    "ver": "version", "v": "version", "ext": "extension", "col": "column", "op": "opus",
    "rm": "room", "ste": "suite", "fl": "floor", "bldg": "building", "para": "paragraph",
    "ep": "episode", "lvl": "level",
}  # fmt: skip
_ANYWHERE = {
    "approx": "approximately", "vs": "versus", "v": "versus", "etc": "et cetera", "al": "al",
    "dept": "department", "misc": "miscellaneous", "incl": "including", "excl": "excluding",
    "max": "maximum", "min": "minimum", "avg": "average", "esp": "especially", "cf": "compare",
    "govt": "government", "temp": "temperature", "tel": "telephone", "asst": "assistant",
    "cont": "continued", "est": "established", "ext": "extension", "apt": "apartment",
    "appt": "appointment", "ave": "avenue", "blvd": "boulevard", "jr": "junior", "sr": "senior",
    "viz": "namely", "ibid": "ibidem", "intl": "international", "natl": "national",
    "attn": "attention", "hrs": "hours", "mins": "minutes", "secs": "seconds", "yrs": "years",
}  # fmt: skip
_WITHOUT_STOP = listed("St Ave Blvd Rd Jr Sr Inc Ltd Hwy Pkwy Expy Fwy Esq")
_LETTERED = frozenset(
    listed(
        "vitamin plan grade type class option point section part hepatitis letter team appendix "
        "group an the"
    )
)
"""After these a capital letter is a name, not an initial."""


def _alternatives(table: dict[str, str]) -> str:
    return "|".join(sorted(table, key=len, reverse=True))


@rule(rf"\b({_alternatives(_AFTER_NAMES)})\b(\.?)")
def _after_name(match: re.Match[str]) -> Sequence[Piece] | None:
    written, before = match[1], word_before(match)
    if not match[2] and written not in _WITHOUT_STOP:
        return None
    gap = match.string[max(0, match.start() - 2) : match.start()]
    named = before[:1].isupper() and before.rstrip(".") not in STARTERS | set(_TITLES)
    numbered = bool(
        re.search(r"\d(?:st|nd|rd|th) $", match.string[max(0, match.start() - 8) : match.start()])
    )
    if not (numbered or (named and gap[-1:] == " " and (gap[0] != "," or written in ("Jr", "Sr")))):
        return None
    after = word_after(match)
    if written in _TITLES and after[:1].isupper() and after not in STARTERS:
        return None  # in "Visit St. Paul" it is a title, in "Main St. is" a street
    return [(_AFTER_NAMES[written], match.start()), *stop(match)]


@rule(
    rf"\b(?:({_alternatives(_TITLES)})\.|({_NO_STOP_NEEDED}))"
    r"(?=[ \t]+(?:[A-Z]|(?:and|&) [DM]))(?!\.)"
    rf"|\b({_alternatives(_TITLES)})\.(?=\s*\Z)"
)
def _title(match: re.Match[str]) -> Sequence[Piece]:
    end = [(".", match.end() - 1)] if match[3] else []
    return [(_TITLES[match[1] or match[2] or match[3]], match.start()), *end]


@rule(rf"(?i)(?<![\w.'])({_alternatives(_BEFORE_NUMBERS)})\.[ \t]?(?=\d)")
def _numbered(match: re.Match[str]) -> Sequence[Piece]:
    words = _BEFORE_NUMBERS[match[1].lower()]
    return [(words.capitalize() if match[1][0].isupper() else words, match.start())]


@rule(
    rf"(?<![\w.'])({_alternatives(_ANYWHERE)}|(?i:etc|vs|approx)|[SJ]r)(\.|(?<=vs)|(?<=etc))(?!\w)"
)
def _anywhere(match: re.Match[str]) -> Sequence[Piece] | None:
    written = match[1].lower()
    if written in ("min", "mins", "hrs", "secs", "yrs") and _numbered_before(match):
        return None  # 5 min. are minutes
    if written == "etc" and word_before(match) == "slash":
        return None
    # words in their own right keep their full stop at the end of a sentence
    if written in ("al", "max", "min", "temp", "cont", "v", "ext", "est", "tel") and (
        ends_sentence(match) or word_after(match)[:1].isupper()
    ):
        return None
    after = word_after(match)
    over = match[2] and (ends_sentence(match) or (written == "etc" and after[:1].isupper()))
    pieces = [(_ANYWHERE[written], match.start())]
    return [*pieces, (".", match.end() - 1)] if over else pieces


def _numbered_before(match: re.Match[str]) -> bool:
    return bool(re.search(r"\d[ -]?$", match.string[max(0, match.start() - 2) : match.start()]))


@rule(
    r"(?<![\w.])(?:(?:[A-Za-z]\.){2,8}(?!\w)|(?:[A-Z]\.){1,7}[A-Z](?![\w.])"
    r"|[Pp]h\.? ?[Dd]\.?(?!\w))"
)
def _dotted(match: re.Match[str]) -> Sequence[Piece]:
    letters = re.finditer(r"[A-Za-z]", match[0])
    pieces = [(letter[0].upper(), match.start() + letter.start()) for letter in letters]
    return [*pieces, *stop(match)]


@rule(r"(?<![\w.'])([A-Z])\.(?=[ \t]?[A-Z](?:[a-z]|\.))")
def _initial(match: re.Match[str]) -> Sequence[Piece] | None:
    before, after = word_before(match), word_after(match)
    if match[1] == "I" or after in STARTERS or (len(before) == 1 and before.isupper()):
        return None
    if before.lower() in _LETTERED:
        return None
    return [(match[1], match.start())]


@rule(r"\b([Nn])o (?=\d{1,2}\b(?![,.%]\d|%))")
def _no(match: re.Match[str]) -> Sequence[Piece] | None:
    """He is no 1."""
    denied = ("is", "are", "was", "were", "there's", "has", "have", "had", "with", "by", "in")
    if counted(match) or (word_before(match).lower() in denied and match[0] == "no "):
        return None
    return [("Number" if match[1] == "N" else "number", match.start())]


NUMBERED: tuple[Rule, ...] = (_numbered,)
"""First of all, while the number behind them is still there."""
RULES: tuple[Rule, ...] = (
    replace(r"(?i)(?<![\w.])e\.? ?g\.(?:,|(?!\w))", "for example,"),
    replace(r"(?i)(?<![\w.])i\. ?e\.(?:,|(?!\w))", "that is,"),
    replace(r"(?<!\w)w/o(?!\w)", "without"),
    replace(r"(?<!\w)w/(?=[ \w])", "with"),
    replace(r"(?<!\w)N/A(?!\w)", "not applicable"),
    replace(r"\bsq\.? (?=(?:feet|foot|miles?|meters?|inch(?:es)?|yards?|kilometers?)\b)", "square"),
    replace(r"(?<!\w)c/o(?!\w)", "care of"),
    replace(r"(?<!\w)b/c(?!\w)", "because"),
    _after_name,
    _title,
    _anywhere,
    _dotted,
    _initial,
    _no,
)
