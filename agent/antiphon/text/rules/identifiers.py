"""Numbers that name something: PINs, verses, versions, models, formulas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, counted, listed, rule, verbatim, word_before
from antiphon.text.rules.acronyms import letters
from antiphon.text.rules.number_words import cardinal, code, ordinal, pair, plural, spelled
from antiphon.text.rules.telephone_numbers import END, digit_groups
from antiphon.text.units_of_measure import CURRENCIES, UNITS


@rule(rf"(?<![\w.+/-])\d{{1,6}}(?:-\d{{1,6}}){{2,6}}{END}")
def _hyphened(match: re.Match[str]) -> Sequence[Piece]:
    """Other numbers in groups; small ones are numbers: 12-34-56, 4-3-3."""
    if re.search(r"\d{3}", match[0]):
        return list(digit_groups(match, *match.span()))
    return [
        (pair(p[0]) if len(p[0]) == 2 else cardinal(p[0]), match.start() + p.start())
        for p in re.finditer(r"\d+", match[0])
    ]


_SECRET = (
    "(?:(?:pass|zip|post|area|access|pin|bar)? ?code|pin|otp|pass ?word|zip|ssn|pnr|cvv|cvc|vin|"
    "isbn|sku)"
)
_PAPER = (
    "order|account|acct|card|tracking|confirmation|reference|ref|ticket|invoice|serial|passport|"
    "licen[cs]e|member(?:ship)?|customer|booking|reservation|badge|policy|claim|routing|employee|"
    "student|patient|parcel|package|transaction|receipt|case|id|social security|registration|"
    "phone|telephone|fax|cell|mobile|model|part"
)
_NUMBER_WORD = r"(?:numbers?|no\.?|id|code|#)"
_IS = r"(?:,? (?:is|was|are|reads|to|now)(?: now| still)?)?"
_SIGNS = r"(?=[A-Za-z-]{0,6}\d)[A-Za-z\d]{3,}(?:-[A-Za-z\d]+)*(?: \d{2,8}(?![\w/:%.,-]*\d))*"


@rule(
    rf"(?i)\b(?P<cue>{_SECRET}s?(?: {_NUMBER_WORD})?{_IS}"
    rf"|(?:{_PAPER}) ?{_NUMBER_WORD}{_IS}"
    rf"|(?:card|account|number|phone)s? (?:that )?(?:ends|ending|ended) (?:in|with)"
    r"|number (?:is|was)"
    rf"|(?:hot|help|life)line(?: (?:number|is))*"
    rf")(?P<colon> ?[:=#])? ?#?(?P<code>{_SIGNS})(?![\w%°]|[./,:]\d)"
)
def _told(match: re.Match[str]) -> Sequence[Piece] | None:
    digits = sum(c.isdigit() for c in match["code"])
    if counted(match) or (digits < 4 and match["cue"].lower().startswith("number")):
        return None
    cue = [("number" if w == "#" else w.replace("#", ""), at) for w, at in verbatim(match, "cue")]
    colon = (
        [(":" if ":" in match["colon"] else ",", match.start("colon"))] if match["colon"] else []
    )
    return [*cue, *colon, *digit_groups(match, *match.span("code"))]


@rule(rf"\b(?P<cue>(?i:{_PAPER}))(?P<hash> ?#)? ?(?P<code>\d{{4,}}){END}(?!(?<=\d{{4}}) ?[A-Z])")
def _paper(match: re.Match[str]) -> Sequence[Piece] | None:
    if counted(match) or (len(match["code"]) == 4 and not match["hash"]):
        return None
    number = [("number", match.start("hash"))] if match["hash"] else []
    return [*verbatim(match, "cue"), *number, *digit_groups(match, *match.span("code"))]


@rule(
    r"(?i)\b(use|enter|type|reply with|respond with|press|digits (?:are|were))(?: in)? "
    rf"(\d{{4,8}}){END}(?= (?:to|as|for|at|when|in|and|then)\b|[.,!]|$)"
)
def _entered(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[2].endswith("00"):
        return None
    return [*verbatim(match, 1), *digit_groups(match, *match.span(2))]


_SOFTWARE = (
    "version|ver|python|ios|ipados|macos|watchos|android|ubuntu|debian|fedora|linux|kernel|php|"
    "django|numpy|pytorch"
)
_DOTTED = r"\d{1,6}(?:\.\d{1,6})"


@rule(
    rf"(?<![\w.])(?:(?P<v>v)\.? ?)?(?P<parts>{_DOTTED}{{2,6}})(?P<port>[:/]\d{{1,5}})?(?!\w|\.\d)"
    rf"|\b(?P<name>(?i:{_SOFTWARE})|v|V(?=\.?\d+\.))\.? ?"
    rf"(?P<two>{_DOTTED}|(?<=\w v)\d{{1,3}})(?!\w|\.\d)"
)
def _version(match: re.Match[str]) -> Sequence[Piece] | None:
    group = "parts" if match["parts"] else "two"
    internet = match[group].count(".") == 3
    before = word_before(match)
    if (
        match["name"] == "v"
        and "." not in match["two"]
        and not (before[:1].isupper() or before == "version")
    ):
        return None  # a V8 motor
    pieces: list[Piece] = []
    if match["v"] or (match["name"] or "").lower() in ("v", "ver"):
        pieces.append(("version", match.start()))
    elif match["name"]:
        pieces += verbatim(match, "name")
    for part in re.finditer(r"\d+", match[group]):
        at = match.start(group) + part.start()
        words = code(part[0]) if internet else cardinal(part[0])
        pieces += [("dot" if internet else "point", at - 1)] if part.start() else []
        pieces.append((words, at))
    if match["port"]:
        sign = "colon" if match["port"][0] == ":" else "slash"
        pieces += [(sign, match.start("port")), (code(match["port"][1:]), match.start("port") + 1)]
    return pieces


@rule(
    r"\b(?P<name>(?i:flight) [A-Z]{2}|(?i:form|port|error|status|http|error code|episode|airbus|"
    r"boeing|peugeot|porsche|mazda|fiat|volvo|ferrari|bmw|windows|office|area|studio|nokia|intel|ryzen|geforce|rtx|gtx))"
    r" (?P<number>\d{3,4})(?![\w%°-]|[.,:]\d)"
)
def _model(match: re.Match[str]) -> Sequence[Piece] | None:
    if counted(match):
        return None
    return [*verbatim(match, "name"), (code(match["number"]), match.start("number"))]


@rule(r"(?<![\w.,$])(\d{3,4})((?: ?\([a-z0-9]\)){1,3})(?!\w)|(?<![\w.,$])(\d{4})(?= [Ff]orms?\b)")
def _paragraph(match: re.Match[str]) -> Sequence[Piece]:
    """401(k), 501(c)(3), a 1040 form."""
    if match[3]:
        return [(code(match[3]), match.start())]
    signs = re.finditer(r"[a-z0-9]", match[2])
    said = [(cardinal(s[0]) if s[0].isdigit() else s[0].upper(), s.start()) for s in signs]
    return [(code(match[1]), match.start()), *((w, match.start(2) + at) for w, at in said)]


_ELEMENT = (
    "(?:A[cglmrstu]|B[aehikr]?|C[adeflmnorsu]?|D[bsy]|E[rsu]|F[elmr]?|G[ade]|H[efgos]?|I[nr]?|K[r]?|"
    "L[airuv]|M[dgnot]|N[abdeiop]?|O[s]?|P[abdmortu]?|R[abefghnu]|S[bcegimnr]?|T[abcehilm]|U|V|W|Xe|"
    "Y[b]?|Z[nr])"
)

_COMPOUND = "(?:H|Na|K|Li|Ca|Mg|Ag|Cu|Zn|Fe|Al|Ti|Si|Pb)(?:Cl|Br|OH|O|F|I|S|C|N)"


@rule(
    rf"(?<![\w.-])(?=\w*\d|\w*[a-z][A-Z]|\w*\([A-Z]+\)\d)(?:{_ELEMENT}\d{{0,3}}|\((?:{_ELEMENT}\d?){{1,4}}\)\d){{2,12}}"
    r"(?P<charge>[+-](?!\w))?(?![\w-])"
)
def _formula(match: re.Match[str]) -> Sequence[Piece] | None:
    """H2SO4, NaCl, Ca(OH)2."""
    if not re.search(r"\d", match[0]) and not re.fullmatch(_COMPOUND, match[0]):
        return None
    parts = list(re.finditer(r"[A-Z][a-z]?|\d+", match[0].rstrip("+-")))
    pieces = [
        (cardinal(p[0]) if p[0].isdigit() else letters(p[0]), match.start() + p.start())
        for p in parts
    ]
    if match["charge"]:
        sign = "plus" if match["charge"] == "+" else "minus"
        pieces.append((sign, match.start("charge")))
    return pieces


@rule(r"\bWW ?(II?|1|2)\b", re.IGNORECASE)
def _world_war(match: re.Match[str]) -> Sequence[Piece]:
    number = "one" if match[1].upper() in ("I", "1") else "two"
    return [("World War", match.start()), (number, match.start(1))]


@rule(r"(?<![\w.,])(\d{1,3})er('?s)?\b|(?<!\w)#(\d{1,2})s\b")
def _members(match: re.Match[str]) -> Sequence[Piece]:
    """The 49ers, #1s."""
    if match[3]:
        return [(f"number {plural(cardinal(match[3]))}", match.start())]
    said = cardinal(match[1])
    return [(said + ("r" if said.endswith("e") else "er") + (match[2] or ""), match.start())]


@rule(
    r"(?<![\w-])(?![a-z]-\d+ ?[=+*/)])(?=[A-Za-z]+(?:-?\d))"
    r"[A-Za-z\d]+(?:-[A-Za-z\d]+)*(?:\.\d+)?(?![A-Za-z0-9])"
)
def _named(match: re.Match[str]) -> Sequence[Piece] | None:
    """A word with a number in it: MP3, COVID-19, B12, PM2.5; but EUR50 is money."""
    word, digits = re.match(r"([A-Za-z]*)(.*)", match[0]).groups()  # type: ignore[union-attr]
    behind_number = match.string[max(0, match.start() - 2) : match.start()].strip().isdigit()
    power = behind_number and digits in ("2", "3") and word in UNITS
    return None if word in CURRENCIES or power else _mixed(match)


@rule(r"(?<![A-Za-z0-9-])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?![A-Za-z0-9])")
def _mixed_rest(match: re.Match[str]) -> Sequence[Piece] | None:
    """What is left of digits and letters in one word: 3D, 2FA."""
    return _mixed(match) if any(c.isdigit() for c in match[0]) else None


def _mixed(match: re.Match[str]) -> list[Piece]:
    parts = re.finditer(
        r"IPv|[A-Z]+s?(?![a-z])|[A-Za-z]+|\d+(?:s(?!\w)|st|nd|rd|th)|\.?\d+", match[0]
    )
    pieces: list[Piece] = []
    for part in parts:
        text = part[0]
        if text[0] == ".":
            text = "point " + spelled(text)
        elif text.isdigit():
            text = code(text)
        elif text[0].isdigit():
            number = text.rstrip("sthrdn")
            text = plural(code(number)) if text == number + "s" else ordinal(number)
        elif text.isupper() and len(text) == 2:
            text = letters(text)
        elif text == "IPv":
            text = "I P V"
        pieces.append((text, match.start() + part.start()))
    return pieces


_BOOKS = "|".join(
    listed(
        "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles "
        "Ezra Nehemiah Esther Job Psalms? Proverbs Ecclesiastes Isaiah Jeremiah Lamentations "
        "Ezekiel Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum Habakkuk Zephaniah Haggai "
        "Zechariah Malachi Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians "
        "Philippians Colossians Thessalonians Timothy Titus Philemon Hebrews James Peter Jude "
        "Revelation Sirach Wisdom Tobit Baruch Surah? Quran Qur'an Gita Hadith"
    )
)
_BOOKS_SHORT = {
    "Gen": "Genesis", "Ex": "Exodus", "Exod": "Exodus", "Lev": "Leviticus", "Num": "Numbers",
    "Deut": "Deuteronomy", "Josh": "Joshua", "Judg": "Judges", "Sam": "Samuel",
    "Chron": "Chronicles", "Neh": "Nehemiah", "Ps": "Psalm", "Prov": "Proverbs",
    "Eccl": "Ecclesiastes", "Isa": "Isaiah", "Jer": "Jeremiah", "Ezek": "Ezekiel",
    "Dan": "Daniel", "Matt": "Matthew", "Mt": "Matthew",
    "Mk": "Mark", "Lk": "Luke", "Jn": "John", "Rom": "Romans", "Cor": "Corinthians",
    "Gal": "Galatians", "Eph": "Ephesians", "Phil": "Philippians", "Col": "Colossians",
    "Thess": "Thessalonians", "Tim": "Timothy", "Heb": "Hebrews", "Jas": "James", "Pet": "Peter",
    "Rev": "Revelation",
}  # fmt: skip


@rule(
    rf"(?:(?<!\S)(?P<part>[123]) )?\b(?P<book>{_BOOKS}|{'|'.join(_BOOKS_SHORT)})\.? "
    r"(?P<verses>\d{1,3}:\d{1,3}(?:(?:[–-]|, ?)\d{1,3}(?::\d{1,3})?){0,4})(?![\w:])"
)
def _verse(match: re.Match[str]) -> Sequence[Piece]:
    """Psalm 23:4."""
    pieces: list[Piece] = []
    if match["part"]:
        pieces.append((ordinal(match["part"]).capitalize(), match.start()))
    pieces.append((_BOOKS_SHORT.get(match["book"], match["book"]), match.start("book")))
    for part in re.finditer(r"\d+|[–-]|,", match["verses"]):
        said = cardinal(part[0]) if part[0].isdigit() else part[0]
        pieces.append(("to" if said in "–-" else said, match.start("verses") + part.start()))
    return pieces


TOLD: tuple[Rule, ...] = (_verse, _told, _paper, _members, _world_war)
"""What a word in front says to be read digit by digit; before dates and years are looked for."""

RULES: tuple[Rule, ...] = (
    _hyphened,
    _entered,
    _version,
    _model,
    _paragraph,
    _formula,
    _named,
)
REST: tuple[Rule, ...] = (_mixed_rest,)
"""After quantities: 12KG is a weight, 3D is not."""
