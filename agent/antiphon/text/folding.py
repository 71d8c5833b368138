"""Any Unicode text in a small alphabet: ASCII and the few signs the rules can read."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from antiphon.text.rewriting import listed

KEPT_SIGNS = "–—µ°€£¥₹×÷±≤≥≈≠√∞→§"
"""Signs beyond ASCII that later rules put into words."""

_SAME = {
    **dict.fromkeys("“”„‟«»″〝〞「」『』", '"'),
    **dict.fromkeys("‘’‚‛′ʼ`´ʻ", "'"),
    **dict.fromkeys("‐‑‒−﹣－", "-"),
    **dict.fromkeys("―⸺⸻", "—"),
    **dict.fromkeys("•●▪◦‣∙○■□", "•"),
    **dict.fromkeys("⇒➔➜➡⟶", "→"),
    **dict.fromkeys("。｡", "."),
    **dict.fromkeys("、،", ","),
    **dict.fromkeys("\u2028\u2029\x85\x0b\x0c\r", "\n"),
    "؟": "?",
    "·": "•",
    "⋅": "×",
    "∗": "*",
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "μ": "µ",
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "ł": "l",
    "Ł": "L",
    "þ": "th",
    "Þ": "Th",
    "ı": "i",
    "ħ": "h",
}
_GREEK = dict(
    zip(
        "αβγδεζηθικλνξοπρστυφχψω",
        listed(
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda nu xi omicron pi rho "
            "sigma tau upsilon phi chi psi omega"
        ),
        strict=True,
    )
)


def fold(text: str) -> tuple[str, list[int]]:
    """Fold accents, typographic signs and foreign digits; drop emoji and other scripts.

    Returns:
        The folded text (ASCII, newlines, `KEPT_SIGNS` and the bullet), and for each of its
        characters the index of the character it came from.
    """
    folded: list[str] = []
    source: list[int] = []
    for index, character in enumerate(text):
        if character.isascii() and (character.isprintable() or character == "\n"):
            piece = "'" if character == "`" and _inside_word(text, index) else character
        elif character.lower() in _GREEK and not _beside_greek(text, index):
            piece = f" {_GREEK[character.lower()]} "
        else:
            piece = _fold(character)
        if piece[:1] == "^" and folded and folded[-1][:1] == "^":
            piece = piece[1:]
        folded.append(piece)
        source.extend([index] * len(piece))
    return "".join(folded), source


@lru_cache(4096)
def _fold(character: str) -> str:
    """What one character that is not plain ASCII turns into; a space if nothing is like it."""
    if character in _SAME:
        return _SAME[character]
    if character in KEPT_SIGNS:
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Lm"):  # accents standing alone, zero-width signs
        return ""
    compatible = unicodedata.normalize("NFKD", character)
    if compatible == character:
        return " "
    piece = "".join(_SAME.get(c, c if c.isascii() and c.isprintable() else "") for c in compatible)
    form = unicodedata.decomposition(character).split(" ")[0]
    if form == "<super>" and character not in "ªº™":
        return "^" + piece
    if form == "<fraction>":
        return " " + piece
    if category == "So" and not character.isalnum():  # trade marks, circled letters
        return " "
    return piece or " "


def _inside_word(text: str, index: int) -> bool:
    """Whether letters stand on both sides: a back-tick typed for an apostrophe."""
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return len(around) == 2 and around.isalpha()


def _beside_greek(text: str, index: int) -> bool:
    """Whether a Greek letter stands next to it, so that it belongs to a Greek word."""
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return any("\u0370" <= c <= "\u03ff" or "\u1f00" <= c <= "\u1fff" for c in around)
