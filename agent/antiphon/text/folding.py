"""Any Unicode text in a small alphabet: ASCII and the few signs the rules can read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from anyascii import anyascii

from antiphon.text.rewriting import Piece, listed

KEPT_SIGNS = "–—µ°×÷±≤≥≈≠√∞→§Ω‰"
"""Signs beyond ASCII that later rules put into words, besides those of currencies."""

_SAME = {
    **dict.fromkeys("“”„‟«»″〝〞「」『』", '"'),
    **dict.fromkeys("‘’‚‛′ʼ`´ʻ", "'"),
    **dict.fromkeys("‐‑‒−﹣－", "-"),
    **dict.fromkeys("―⸺⸻", "—"),
    **dict.fromkeys("•●▪◦‣∙○■□", "•"),
    **dict.fromkeys("⇒➔➜➡⟶", "→"),
    **dict.fromkeys("。｡।۔", "."),
    **dict.fromkeys("、،", ","),
    **dict.fromkeys("\u2028\u2029\x85\x0b\x0c\r", "\n"),
    **dict.fromkeys("™℠", " "),
    "؟": "?",
    "؛": ";",
    "·": "•",
    "⋅": "×",
    "∗": "*",
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "μ": "µ",
    "∆": "Δ",
    "\N{OHM SIGN}": "\N{GREEK CAPITAL LETTER OMEGA}",
    "℃": "°C",
    "℉": "°F",
    "№": "No.",
    "❤": "♥",
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "þ": "th",
    "Þ": "Th",
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
_KANA = ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")
_ROMANIZED = frozenset(
    listed("CYRILLIC GREEK ARMENIAN GEORGIAN HANGUL BOPOMOFO ETHIOPIC CHEROKEE CJK")
) | set(_KANA)
"""Scripts that can be read from their romanization; of others the vowels are not written."""


def fold(text: str) -> tuple[str, list[int]]:
    """Fold accents, typographic signs and foreign digits; romanize or name other scripts.

    Returns:
        The folded text (ASCII, newlines, `KEPT_SIGNS`, currency signs, the bullet and the heart),
        and for each of its characters the index of the character it came from.
    """
    folded: list[str] = []
    source: list[int] = []
    for piece, index in _pieces(text):
        if piece[:1] == "^" and folded and folded[-1][:1] == "^":
            piece = piece[1:]
        folded.append(piece)
        source.extend([index] * len(piece))
    return "".join(folded), source


def _pieces(text: str) -> Iterator[Piece]:
    index = 0
    while index < len(text):
        character = text[index]
        before = text[index - 1] if index else ""
        if character.isascii() and (character.isprintable() or character == "\n"):
            yield "'" if character == "`" and _inside_word(text, index) else character, index
        elif family := _family(character):
            end = _run_end(text, index, family)
            if character.lower() in _GREEK and end == index + 1:
                yield f" {_GREEK[character.lower()]} ", index
            else:
                yield from _romanized(text, index, end)
            index = end
            continue
        elif character == "Ω" and _family(text[index + 1 : index + 2] or " ") == "GREEK":
            yield "O", index
        elif character == "º" and before and (before.isdigit() or before == " "):
            yield "°", index
        elif unicodedata.decomposition(character).startswith("<fraction>") and before.isdigit():
            yield " " + _fold(character), index
        else:
            yield _fold(character), index
        index += 1


@lru_cache(4096)
def _fold(character: str) -> str:
    """What one character that is not plain ASCII turns into; a space if nothing is like it."""
    if character in _SAME:
        return _SAME[character]
    compatible = unicodedata.normalize("NFKD", character)
    if character in KEPT_SIGNS + "♥":
        return character
    if unicodedata.category(compatible[0]) == "Sc":
        return compatible
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Lm") and compatible == character:
        return ""  # accents standing alone, zero-width signs
    piece = "".join(_SAME.get(c, c if c.isascii() and c.isprintable() else "") for c in compatible)
    form = unicodedata.decomposition(character).split(" ")[0]
    if form == "<super>" and character not in "ªº" and not piece.isalpha():
        return "^" + piece
    if not piece and character.isalpha():
        return _letters(character) or f" {unicodedata.name(character, 'letter').lower()} "
    return piece or " "


def _letters(character: str) -> str:
    return "".join(c for c in anyascii(character) if c.isalpha() or c == " ").strip()


def _inside_word(text: str, index: int) -> bool:
    """Whether letters stand on both sides: a back-tick typed for an apostrophe."""
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return len(around) == 2 and around.isalpha()


@lru_cache(4096)
def _script(character: str) -> str:
    """The script of a letter that is not Latin; "" of anything else."""
    if character in _SAME or character in KEPT_SIGNS or not character.isalpha():
        return ""
    plain = unicodedata.normalize("NFKD", character)[0]
    name = unicodedata.name(plain, "").split(" ")[0]
    return "" if plain.isascii() or name in ("LATIN", "MODIFIER", "") else name


def _family(character: str) -> str:
    """The script of a letter, Chinese characters and kana taken together."""
    script = _script(character)
    return "CJK" if script in _KANA or script == "IDEOGRAPHIC" else script


def _run_end(text: str, start: int, family: str) -> int:
    """Where a run of words of one script ends."""
    end = start + 1
    for index in range(end, len(text)):
        character = text[index]
        if _family(character) == family:
            end = index + 1
        elif unicodedata.category(character) in ("Mn", "Mc", "Cf", "Lm"):
            end = index + 1 if end == index else end
        elif character != " ":
            break
    return end


def _romanized(text: str, start: int, end: int) -> Iterator[Piece]:
    """A run as it sounds, character by character; only its name where that cannot be told."""
    scripts = {_script(c) for c in text[start:end]} - {""}
    kana = scripts & set(_KANA)
    readable = scripts <= _ROMANIZED and not (kana and "CJK" in scripts)
    if not (readable and any(_letters(c) for c in text[start:end])):
        name = "Japanese" if kana else min(scripts).title()
        yield f" {'Chinese' if name == 'Cjk' else name} text ", start
        return
    for index in range(start, end):
        letters = _letters(text[index]) or (" " if text[index] == " " else "")
        if scripts == {"CJK"}:
            yield f" {letters} ", index
        elif scripts <= {"HANGUL", *_KANA}:
            yield letters.lower(), index
        else:
            yield letters, index
