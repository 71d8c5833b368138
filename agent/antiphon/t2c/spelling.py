"""From tokens to the characters the pronouncer reads, each knowing its token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Token
from antiphon.text import spoken


@dataclass(frozen=True)
class Spelling:
    """The spoken form of a run of tokens."""

    text: str
    """What the pronouncer reads: letters and pauses only."""
    written: tuple[int, ...]
    """For every character, the index of the written character it came from."""
    tokens: tuple[int, ...]
    """For every character, the index of the token it came from."""

    def __getitem__(self, part: slice) -> Spelling:
        return Spelling(self.text[part], self.written[part], self.tokens[part])


def spell(pieces: Sequence[str]) -> Spelling:
    """Spoken form of the text that token `pieces` add up to."""
    owner = [index for index, piece in enumerate(pieces) for _ in piece]
    form = spoken("".join(pieces))
    return Spelling(form.text, form.source, tuple(owner[i] for i in form.source))


def pieces_of(text: str, offsets: Sequence[tuple[int, int]]) -> list[str]:
    """The piece of `text` that each token adds, from a fast tokenizer's offsets.

    Tokens that share one character (bytes of an emoji) leave it to the first of them.
    """
    ends = [0]
    for _, end in offsets:
        ends.append(max(ends[-1], end))
    return [text[a:b] for a, b in pairwise(ends)]


def text_tokens(text: str | Iterable[str], vocabulary: Vocabulary) -> Iterator[Token]:
    """Tokens of a text, with hidden states of zeros, at which the text path does not look.

    Args:
        text: what was written; pieces of it become tokens as soon as their words are complete.
        vocabulary: of the language model the voice was trained for.
    """
    nothing = torch.zeros(vocabulary.embeddings.shape[1])
    for part in [text] if isinstance(text, str) else whole_words(text):
        coded = vocabulary.tokenizer(part, add_special_tokens=False, return_offsets_mapping=True)
        pieces = pieces_of(part, coded["offset_mapping"])
        for id_, piece in zip(coded["input_ids"], pieces, strict=True):
            yield Token(id_, piece, nothing)


def whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in pieces that end where words do; spaces stand in front of their word."""
    held = ""
    for piece in pieces:
        held += piece
        words = held.rstrip()
        space = max(words.rfind(" "), words.rfind("\n"))
        end = len(words) if len(words) < len(held) else len(held[: max(space, 0)].rstrip())
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held
