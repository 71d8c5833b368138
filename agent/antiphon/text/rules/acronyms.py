"""Words in capitals, shouted, said (NASA) or spelled (FBI); symbols of elements, spelled (Na)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, listed, rule, verbatim, word_after, word_before

_SAID = frozenset(
    listed(
        "NASA NATO AIDS COVID RAM ROM PIN SIM GIF SWAT RADAR LASER SONAR SCUBA OPEC UNESCO "
        "UNICEF NAFTA FIFA UEFA NOAA CAPTCHA ASCII BASIC COBOL LAN WAN DOS MIDI SARS MERS "
        "FEMA ZIP LED ICE NAND BIOS IKEA LEGO VISA HIIT PETA POTUS SCOTUS YOLO MOMA EPCOT REM "
        "CERN NORAD TASER"
    )
)
_SPELT = frozenset(
    listed(
        "UCLA USA UAE UFO IOU EU UK US UN AI IT PC TV CD DVD CEO CFO CTO FAQ DIY ATM IQ EQ ID "
        "OK UI UX API URL SQL FBI CIA NSA DNA RNA MRI ASAP RSVP AKA IEEE ISO IPO ISP USB IBM "
        "NBA NFL MLB NHL ADHD ETA AM PM AD BC CE BCE IPA ABC BBC CNN NBC CBS ESPN AOL LA NYC "
        "OECD IMF WHO IRA IRS EPA EKG ECG ICU AAA RIP MIT GPU CPU APA HIV AAC AOC ACLU OCD "
        "ADD OPI UTC EST IOC AFK"
    )
)
_WORDS = frozenset(
    listed(
        "a am an and any are as ask at bad be big bit box boy but buy by can car cat cut day "
        "did do dog eat end far few for fun get go god got had has hat he her him his hot how "
        "i if in is it its job joy key kid law let lie lot low mad man may me men mom dad my "
        "new no nor not now odd of off oh ok old on one or our out own pay per put ran red "
        "run sad said saw say see set she sit six so son sun ten the to too top try two up us "
        "use very war was way we wet who why win wow yes yet you zero age ago air all aim art "
        "bag ban bar bed bet bus cap cup dry due ear egg fat fix fly gas gun guy hit ice ill "
        "ink leg lip map mix mud nut oil pan pen pet pie pig pop pot raw rob row sea sex shy "
        "sky spy sum tax tea tie tip toe toy van via wax web wet zoo"
    )
)
_ONSETS = (
    "bl|br|ch|chr|cl|cr|dr|dw|fl|fr|gh|gl|gn|gr|kn|kr|ph|phr|pl|pr|ps|rh|sc|sch|scr|sh|shr|sk|"
    "sl|sm|sn|sp|spl|spr|squ|st|str|sw|th|thr|tr|tw|wh|wr|qu|[b-df-hj-np-tv-z]"
)
_CODAS = (
    "[bdfgklmnprstvxz]|bs|c|ch|ck|cks|ct|cts|ds|dge|ff|ft|fts|gh|ght|ghts|gs|ks|ld|lds|lf|lk|lks|"
    "ll|lls|lm|lms|lp|lps|ls|lt|lts|lth|mb|mbs|mp|mps|ms|mpt|nch|nd|nds|ng|ngs|nk|nks|nn|ns|nt|"
    "nts|nth|ph|phs|pt|pts|ps|rb|rbs|rc|rch|rd|rds|rf|rk|rks|rl|rls|rm|rms|rn|rns|rp|rps|rr|rs|rt|"
    "rts|rth|rst|sh|sk|sks|sm|sms|sp|ss|st|sts|tch|th|ths|ts|tt|tts|tz|w|wd|wl|wls|wn|wns|ws|xt|"
    "xts|zz|y|ys|h"
)
_VOWELS = "[aeiouy]+"
_SYLLABLES = re.compile(
    rf"(?:{_ONSETS})?{_VOWELS}(?:(?:{_CODAS})?(?:{_ONSETS}){_VOWELS})*(?:{_CODAS})?"
)
_FEW = 3


def letters(word: str) -> str:
    """Letter by letter: HTML is H T M L."""
    return " ".join(word.upper())


def looks_spelled(word: str) -> bool:
    """Whether a word in capitals is read letter by letter when nothing around it shouts."""
    if word in _SAID or word.lower() in _WORDS - {"us", "it", "who", "ok"}:
        return False
    if word in _SPELT or len(word) <= _FEW:
        return True
    if re.fullmatch("[AEIOU]{3,}", word):
        return True  # IAEA
    return len(word) <= 12 and not _SYLLABLES.fullmatch(word.lower())


@rule(r"(?<![A-Za-z'])([A-Z]{2,})('?s)?(?![A-Za-z])")
def _capitals(match: re.Match[str]) -> Sequence[Piece] | None:
    word, ending = match[1], match[2] or ""
    if word == "OK":
        return [("okay", match.start())]
    ordinary = word.lower() in _WORDS
    if not looks_spelled(word) or ((ordinary or word not in _SPELT) and _shouted(match)):
        said = word.lower() if word not in _SAID and (ordinary or _shouted(match)) else word
        return None if said == word else [(said + ending.lower(), match.start())]
    each = [(letter, match.start() + i) for i, letter in enumerate(word)]
    if ending:
        each[-1] = (word[-1] + "'s", each[-1][1])
    return each


def _shouted(match: re.Match[str]) -> bool:
    """Whether a neighbour is an ordinary word in capitals too."""
    around = (word_before(match).strip("."), word_after(match))
    return any(
        len(w) > 1 and w.isupper() and w not in _SPELT | _SAID and not looks_spelled(w)
        for w in around
    )


@rule(r"(?<=[A-Z]{2} )A(?= [A-Z]{2})")
def _article(match: re.Match[str]) -> Sequence[Piece]:
    return [("a", match.start())]


@rule(r"(?<![A-Za-z])(?:pH|PhDs?)(?![A-Za-z])|(?<![A-Za-z])([A-Za-z]*[a-z])([A-Z]{2,})(?![A-Za-z])")
def _mixed(match: re.Match[str]) -> Sequence[Piece] | None:
    """ChatGPT, iOS."""
    if not match[1]:
        return [(letters(match[0].rstrip("s")), match.start())]
    if not looks_spelled(match[2]):
        return None
    head = match[1].upper() if len(match[1]) == 1 else match[1]
    return [(head, match.start()), (letters(match[2]), match.start(2))]


RULES: tuple[Rule, ...] = (_article, _mixed, _capitals)

_ELEMENT_SYMBOLS = "|".join(
    sorted(
        listed(
            "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga "
            "Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr "
            "Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr "
            "Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc "
            "Lv Ts Og"
        ),
        key=len,
        reverse=True,
    )
)
_ELEMENT_NAMES = (
    "hydrogen|helium|lithium|beryllium|boron|carbon|nitrogen|oxygen|fluorine|neon|sodium|"
    "magnesium|alumini?um|silicon|phosphorus|sul(?:ph|f)ur|chlorine|argon|potassium|calcium|"
    "titanium|chromium|manganese|iron|cobalt|nickel|copper|zinc|gallium|arsenic|selenium|bromine|"
    "krypton|strontium|zirconium|molybdenum|palladium|silver|cadmium|indium|tin|antimony|iodine|"
    "xenon|cesium|caesium|barium|tungsten|osmium|iridium|platinum|gold|mercury|thallium|lead|"
    "bismuth|polonium|radon|radium|thorium|uranium|plutonium|einsteinium|curium"
)


def _symbol(match: re.Match[str]) -> Sequence[Piece]:
    """What stands before the symbol as it is, the symbol in letters, the rest as it is."""
    symbol = [(c.upper(), match.start("symbol") + i) for i, c in enumerate(match["symbol"])]
    around = match.re.groupindex
    before = verbatim(match, "before") if "before" in around else []
    after = verbatim(match, "after") if "after" in around else []
    return [*before, *symbol, *after]


@rule(
    r"(?P<before>\b(?:[Ss]ymbol|element)\b(?: (?:for|of) (?:the )?(?:element )?[a-z]{3,14})?"
    r"(?: (?:is|was))?,?) "
    rf"[\"'(]?(?P<symbol>{_ELEMENT_SYMBOLS})(?!'?\w)(?! [a-z])"
)
def _named(match: re.Match[str]) -> Sequence[Piece]:
    return _symbol(match)


@rule(
    rf"(?<![\w.])(?P<symbol>{_ELEMENT_SYMBOLS})[\"']?"
    r"(?P<after> (?:is|stands|was) (?:the )?(?:chemical )?(?:symbol |for )\b)"
)
def _explained(match: re.Match[str]) -> Sequence[Piece]:
    return _symbol(match)


@rule(
    rf"(?i:(?P<before>\b(?:{_ELEMENT_NAMES}),? )\(?(?:or )?)(?P<symbol>{_ELEMENT_SYMBOLS})(?=[),])"
)
def _in_brackets(match: re.Match[str]) -> Sequence[Piece]:
    return [*_symbol(match), (",", match.end("symbol") - 1)]


ELEMENTS: tuple[Rule, ...] = (_named, _explained, _in_brackets)
"""Symbols of chemical elements: the symbol for sodium is N A."""
