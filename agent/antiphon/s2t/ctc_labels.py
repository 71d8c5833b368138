"""CTC labels: the pieces of words that Whisper writes, spelled by tokens of the language model.

Most pieces are a token of the language model, too. The others, years above all, take several: the
label " 1987" is five tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from tokenizers import Tokenizer

from antiphon.llm.chat_template import encode

SPACE = "\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}"
"""How byte-level vocabularies spell a space."""
MAX_LABEL_TOKENS = 6
"""Tokens of the longest label."""


def pieces(tokens: torch.Tensor, tokenizer: Any) -> list[str]:
    """What every label [V] or [V, LONGEST] (-1 is no token) spells; the blank spells nothing."""
    rows = tokens.view(len(tokens), -1)
    real = rows >= 0
    parts = iter(tokenizer.convert_ids_to_tokens(rows[real].tolist()))
    return ["".join(islice(parts, count)) for count in real.sum(1).tolist()]


def unspaced(tokens: torch.Tensor, tokenizer: Any) -> torch.Tensor:
    """For every CTC label the label spelled the same without the space in front, or itself.

    Whisper puts a space in front of the first word, too; a written question has none there.
    """
    spelled = pieces(tokens, tokenizer)
    labels = {piece: label for label, piece in enumerate(spelled) if piece}
    plain = (labels.get(piece.removeprefix(SPACE), i) for i, piece in enumerate(spelled))
    return torch.tensor(list(plain))


class Speller:
    """Texts as labels, cut as Whisper cuts them.

    Args:
        tokens: of the labels.
        tokenizer: of the language model.
        whisper: Whisper's tokenizer.
    """

    def __init__(self, tokens: torch.Tensor, tokenizer: Any, whisper: Tokenizer) -> None:
        self._labels = {piece: i for i, piece in enumerate(pieces(tokens, tokenizer)) if piece}
        self._whisper = whisper

    def __call__(self, text: str) -> list[int] | None:
        """Labels of a text; None if it has a piece that is no label."""
        found = [self._labels.get(piece) for piece in cut(text, self._whisper)]
        return None if None in found else found  # type: ignore[return-value]


def cut(text: str, whisper: Tokenizer) -> list[str]:
    """The pieces Whisper would write a text in."""
    found: list[str] = whisper.encode(f" {text.strip()}", add_special_tokens=False).tokens
    return found


def vocabulary(
    sentences: Iterable[str], tokenizer: Any, whisper: Tokenizer, size: int
) -> torch.Tensor:
    """Labels [size or fewer, LONGEST]: the blank, then pieces; -1 is no token.

    Args:
        sentences: whose pieces are taken, the most frequent first, for a half of the labels.
        tokenizer: of the language model.
        whisper: Whisper's tokenizer. Its first pieces are the most frequent of English; they are
            the other half, so that unseen words can be spelled.
        size: how many labels at most.
    """
    counts: Counter[str] = Counter()
    for text in sentences:
        counts.update(cut(text, whisper))
    places = whisper.get_vocab()
    common = sorted(places, key=lambda piece: places[piece])
    frequent = sorted(counts, key=lambda piece: (-counts[piece], piece))
    spelled: dict[str, list[int]] = {}
    for source, most in ((common, size // 2), (frequent, size), (common, size)):
        for piece in source:
            if len(spelled) == most - 1:
                break
            if piece not in spelled and (ids := spell(piece, tokenizer)):
                spelled[piece] = ids
    rows = [[], *(spelled[piece] for piece in sorted(spelled))]
    return torch.tensor([[*row, *[-1] * (MAX_LABEL_TOKENS - len(row))] for row in rows])


def spell(piece: str, tokenizer: Any) -> list[int]:
    """Tokens of the language model that spell a piece; empty if there are too many or none."""
    ids = encode(tokenizer, tokenizer.convert_tokens_to_string([piece]))
    exact = "".join(tokenizer.convert_ids_to_tokens(ids)) == piece
    return ids if exact and len(ids) <= MAX_LABEL_TOKENS else []
