"""A part of Whisper's vocabulary: all bytes are in it, so every text can be written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from antiphon.errors import UserError

BYTES = 256
SPACE = "Ġ"
"""What byte-pair vocabularies write for a space."""


class SubVocabulary:
    """Writes text in some tokens of a byte-pair vocabulary; ids are their places among them.

    Args:
        file: `tokenizer.json` of the whole vocabulary.
        kept: ids of the tokens there, rising; with a token, those that it is merged of.
    """

    def __init__(self, file: Path, kept: Sequence[int]) -> None:
        self.kept = tuple(kept)
        self.size = len(self.kept)
        self._part = _part(file, self.kept)
        pieces = self._part.get_vocab(with_added_tokens=False)
        self.begins = [piece.startswith(SPACE) for piece in sorted(pieces, key=pieces.__getitem__)]
        """Which tokens begin a word."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text, as words that follow others."""
        ids: list[int] = self._part.encode(f" {plain(text)}", add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; those beyond the vocabulary, such as the end mark, say nothing."""
        text: str = self._part.decode([i for i in ids if i < self.size])
        return " ".join(text.split())

    def whole(self, ids: Sequence[int]) -> list[int]:
        """The same tokens' ids in the whole vocabulary."""
        return [self.kept[i] for i in ids if i < self.size]


def common(file: Path, texts: Iterable[str], least: int) -> list[int]:
    """Tokens that occur at least so often in plain texts, and all that they are merged of."""
    facts = _facts(file)
    whole = Tokenizer.from_str(json.dumps({**facts, "post_processor": None}))
    counts = Counter[int]()
    for row in whole.encode_batch([f" {plain(text)}" for text in texts], add_special_tokens=False):
        counts.update(row.ids)
    vocab = facts["model"]["vocab"]
    parts = {a + b: (vocab[a], vocab[b]) for a, b in _merges(facts)}
    pieces = {i: piece for piece, i in vocab.items()}
    kept = set(range(BYTES))
    rest = [i for i, count in counts.items() if count >= least]
    while rest:
        token = rest.pop()
        if token not in kept:
            kept.add(token)
            rest.extend(parts.get(pieces[token], ()))
    return sorted(kept)


@lru_cache(maxsize=4)
def _part(file: Path, kept: tuple[int, ...]) -> Tokenizer:
    facts = _facts(file)
    model = facts["model"]
    places = {i: place for place, i in enumerate(kept)}
    model["vocab"] = {p: places[i] for p, i in model["vocab"].items() if i in places}
    model["merges"] = [
        [a, b] for a, b in _merges(facts) if {a + b, a, b} <= model["vocab"].keys()
    ]  # fmt: skip
    facts["added_tokens"], facts["post_processor"] = [], None
    return Tokenizer.from_str(json.dumps(facts))


def _facts(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_text("utf-8"))
        facts["model"]["vocab"], facts["model"]["merges"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{file} is no byte-pair tokenizer ({error}): fetch it again.") from error
    return dict(facts)


def _merges(facts: dict[str, Any]) -> list[list[str]]:
    return [m.split(" ") if isinstance(m, str) else m for m in facts["model"]["merges"]]


def plain(text: str) -> str:
    """Lower-case words and apostrophes: what the small model writes."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split())
