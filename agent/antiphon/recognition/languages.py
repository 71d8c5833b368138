"""Languages by code and by English name."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from antiphon.errors import UserError

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"""Languages that are written without spaces between words."""


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """English names, lower case, by code: the languages that Whisper knows."""
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    return dict(LANGUAGES)


def name(code: str) -> str:
    """English name, lower case; a code without one is given back."""
    return names().get(code, code)


def code(given: str) -> str:
    """The code of a code or an English name in any case.

    Raises:
        UserError: There is no such language.
    """
    wanted = given.strip().lower()
    if wanted in names():
        return wanted
    for each, english in names().items():
        if english == wanted:
            return each
    raise UserError(f"There is no language '{given}': give a code such as en, or an English name.")


def require_known(given: str, known: Collection[str], recognizer: str) -> str:
    """The code of a language that a recognizer must know.

    Args:
        given: code or English name.
        known: codes the recognizer knows; empty: any.
        recognizer: its name, for the message.

    Raises:
        UserError: There is no such language, or the recognizer does not know it.
    """
    found = code(given)
    if known and found not in known:
        some = ", ".join(sorted(known)[:12])
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        raise UserError(
            f"{recognizer} does not know {name(found)}, only {some}{more}: "
            "choose another recognizer with --recognizer, such as whisper-base."
        )
    return found
