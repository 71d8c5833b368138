"""CMUdict's pronunciations in the symbols of the teacher's phonemizer (American English).

Only what both write differently is taken over: reduced vowels, flaps and glides are the
phonemizer's own habit, which the voice has learnt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_VOWELS = {
    "AA": "ɑː", "AE": "æ", "AH": "ʌ", "AO": "ɔː", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɜː",
    "EY": "eɪ", "IH": "ɪ", "IY": "iː", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "uː",
}  # fmt: skip
_UNSTRESSED = {"AH": "ə", "ER": "ɚ", "IY": "i"}
_CONSONANTS = {
    "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t",
    "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_STRESS = {"1": "ˈ", "2": "ˌ"}


def phonemes(arpabet: Sequence[str]) -> str:
    """Phonemes of a pronunciation such as `W UH1 S T ER0`."""
    said = ""
    for place, symbol in enumerate(arpabet):
        after = arpabet[place + 1] if place + 1 < len(arpabet) else ""
        before = arpabet[place - 1] if place else ""
        vowel, stress = symbol[:-1], symbol[-1]
        if stress == "0":
            said += _UNSTRESSED.get(vowel, _VOWELS[vowel])
        elif stress in _STRESS:
            said += _STRESS[stress] + _VOWELS[vowel]
        elif symbol == "T" and after.endswith("0") and (before[-1:].isdigit() or before == "R"):
            said += "ɾ"
        elif symbol == "N" and after in ("K", "G"):
            said += "ŋ"
        else:
            said += _CONSONANTS[symbol]
    return re.sub(r"(ɚ|ɜː)(?=[aeiouæɐɑɔəɚɛɜɪʊʌˈˌ])", r"\1ɹ", said)


def alike(one: str, other: str) -> bool:
    """Whether two pronunciations differ in no more than the habits of their lists."""
    return _skeleton(one) == _skeleton(other)


def _skeleton(said: str) -> str:
    """Consonants, stressed vowels roughly, and where the main stress lies."""
    said = re.sub("[ː ʲˌ]", "", said).replace("n̩", "ən").replace("ʔ", "t").replace("ɾ", "t")
    said = said.replace("juː", "uː").replace("jʊ", "ʊ").replace("ju", "u").replace("ɹɹ", "ɹ")
    said = re.sub("ɚ", "əɹ", said)
    said = re.sub("ɜɹ?", "əɹ", said)
    said = re.sub("iə(?=ɹ)", "ɪ", said)
    said = re.sub("(?<=ˈ)i(?=ɹ)", "ɪ", said)
    said = re.sub("(?<=ˈ)(æ|e)(?=ɹ)", "ɛ", said)
    said = re.sub("(?<=ˈ)(ʌ|ʊ)(?=ɹ)", "ə", said)
    said = re.sub("(?<=ˈ)uɹ", "ʊɹ", said)
    said = re.sub("(?<=ˈ)(ɔ|ɑ|o(?!ʊ))(?!ɪ)", "ɑ", said)
    said = re.sub("(?<!ˈ)(?:aɪ|eɪ|oʊ|aʊ|[aeiouæɐɑɔəɛɪʊʌᵻ])", "ə", said.replace("ˈa", "ˈa"))
    return re.sub("ə+", "ə", said).replace("ənɡ", "əŋ").replace("lj", "lə").replace("nj", "nə")
