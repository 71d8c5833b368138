"""The first tokens of Whisper's vocabulary: bytes come first, so every text can be written."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from antiphon.errors import UserError


class SubVocabulary:
    """Writes text in the first tokens of a byte-pair vocabulary.

    Merges are learnt in the order of their ids, so the first ids are a vocabulary of their own.

    Args:
        file: `tokenizer.json` of the whole vocabulary.
        size: tokens that are kept.
    """

    def __init__(self, file: Path, size: int) -> None:
        self.size = size
        self._part = _first(file, size)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, as words that follow others."""
        ids: list[int] = self._part.encode(f" {plain(text)}", add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of ids; those beyond the vocabulary, such as the end mark, say nothing."""
        text: str = self._part.decode([i for i in ids if i < self.size])
        return " ".join(text.split())


@lru_cache(maxsize=4)
def _first(file: Path, size: int) -> Tokenizer:
    try:
        facts = json.loads(file.read_text("utf-8"))
        model = facts["model"]
        kept = {piece: i for piece, i in model["vocab"].items() if i < size}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{file} is no byte-pair tokenizer ({error}): fetch it again.") from error
    merges = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
    model["vocab"] = kept
    model["merges"] = [[a, b] for a, b in merges if a + b in kept and a in kept and b in kept]
    facts["added_tokens"], facts["post_processor"] = [], None
    return Tokenizer.from_str(json.dumps(facts))


def plain(text: str) -> str:
    """Lower-case words and apostrophes: what the small model writes."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split())
