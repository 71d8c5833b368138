"""Roman numerals where they are numbers: Henry VIII, World War II, chapter IV."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, listed, rule, word_after, word_before
from antiphon.text.rules.number_words import cardinal, ordinal, roman

_RULERS = frozenset(
    listed(
        "Henry George Edward Richard William James Charles Elizabeth Mary Louis Philip "
        "Napoleon Frederick Wilhelm Nicholas Alexander Catherine Peter Ivan Paul John "
        "Benedict Pius Gregory Leo Clement Innocent Urban Francis Ferdinand Leopold Otto "
        "Rudolf Maximilian Joseph Charlemagne Alfonso Juan Carlos Felipe Pedro Manuel Ptolemy "
        "Cleopatra Ramses Rameses Ramesses Thutmose Amenhotep Darius Xerxes Cyrus Philip "
        "Christian Gustav Olaf Harald Haakon Victor Emmanuel Umberto Boniface Julius Sixtus "
        "Nero Constantine Theodosius Justinian Basil Robert David Mehmed "
        "Suleiman Selim Murad Boris Michael Stephen Wenceslaus Casimir Sigismund Augustus "
        "Albert Margaret Isabella Joanna Seti Tutankhamun Haile Selassie Edmund Ethelred"
    )
)
_ALSO_OTHERS = frozenset(
    listed(
        "Michael David Robert Joseph Juan Carlos Victor Julius Christian Boris Peter Stephen "
        "Albert Margaret Mary Pedro Manuel Paul Mark John William Richard James"
    )
)
_NUMBERED = frozenset(
    listed(
        "war chapter part act scene volume book section phase type class level grade stage "
        "title article appendix bowl episode round step figure table unit division group mark "
        "number tier"
    )
)
_RANKS = frozenset(listed("King Queen Pope Emperor Empress Tsar Czar Kaiser Prince of and"))
_AFTER_I = frozenset(
    listed(
        "am was have had will would think thought can could know knew do did don't see saw "
        "want need believe hope guess love like say said should may might must feel felt "
        "never always also"
    )
)
_RANKED = frozenset(
    listed("century centuries Olympiad Olympics Congress Corps Legion Dynasty dynasty")
)
_WORDS = frozenset(listed("XL MIX CV MD DC CD MC DI LI MI XX DM MM CC CM LL DIV"))


@rule(
    r"\b(act|scene|chapter|part|book|canto|volume|appendix) ([ivx]{2,6}|[vi])(?![\w'-])",
    re.IGNORECASE,
)
def _small(match: re.Match[str]) -> Sequence[Piece] | None:
    """Scene ii, chapter iv."""
    value = roman(match[2].upper())
    if (
        not value
        or not match[2].islower()
        or (match[2] == "i" and match[1].lower() not in ("act", "scene"))
    ):
        return None
    return [(match[1], match.start()), (cardinal(str(value)), match.start(2))]


@rule(r"(?<![\w.'-])[IVXLCDM]{1,9}(?![\w'-]|\.[A-Za-z])")
def _numeral(match: re.Match[str]) -> Sequence[Piece] | None:
    value, before = roman(match[0]), word_before(match)
    gap = match.string[max(0, match.start() - 2) : match.start()]
    if not value or not before or not re.fullmatch(r"[A-Za-z.'][ \t]", gap):
        return None
    if len(match[0]) > 1 and word_after(match) in _RANKED:
        return [(ordinal(str(value)), match.start())]
    ruler = before in _RULERS
    numbered = before.lower() in _NUMBERED
    if len(match[0]) == 1:
        if match[0] == "I" and not numbered:
            rank = word_before(match, match.start() - len(before) - 1) in _RANKS
            if not ruler or (word_after(match) in _AFTER_I and not rank):
                return None
        ranked = word_before(match, match.start() - len(before) - 1) in _RANKS
        if match[0] != "I" and before in _ALSO_OTHERS and not ranked:
            return None  # Michael V is somebody else
        if not (ruler or numbered) or (match[0] in "CDLM" and not numbered):
            return None
        if match[0] != "I" and numbered and not before[0].isupper() and match[0] not in "VX":
            return None
    elif not (ruler or numbered) and (match[0] in _WORDS or not before[0].isupper()):
        return None
    if ruler:
        return [("the", match.start()), (ordinal(str(value)), match.start())]
    return [(cardinal(str(value)), match.start())]


RULES: tuple[Rule, ...] = (_small, _numeral)
