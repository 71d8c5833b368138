"""Drafts for Whisper: what it would write anyway, in a few passes instead of token by token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from antiphon.recognition.whisper.decoding import DecoderState
from antiphon.recognition.whisper.text_decoder import TextDecoder, loops

SEARCH = 4
"""Tokens of a draft within which it is found again behind a token that it did not have."""


def written(text: str) -> str:
    """Plain words as Whisper would rather write them: a sentence. What is wrong costs a pass."""
    words = ["I" + word[1:] if re.fullmatch(r"i('\w+)?", word) else word for word in text.split()]
    whole = " ".join(words)
    return whole[:1].upper() + whole[1:] + "." if whole else ""


@dataclass(frozen=True)
class Drafted:
    """Whisper's own greedy transcript."""

    tokens: tuple[int, ...]
    passes: int
    """How often the decoder read."""


@torch.no_grad()
def transcribe(
    decoder: TextDecoder,
    audio: torch.Tensor,
    draft: Sequence[int],
    behind: DecoderState | None = None,
) -> Drafted:
    """The tokens that greedy decoding writes, whatever the draft.

    A pass reads the rest of the draft. What of it the decoder would have chosen is accepted, and
    the decoder's own choice follows. The draft then goes on behind that token if it has it within
    `SEARCH` tokens, else behind the token that was wrong.

    Args:
        decoder: Whisper's.
        audio: [S, width] states of a window.
        draft: tokens.
        behind: see `TextDecoder.start`.
    """
    limit = decoder.limit(len(audio))
    state = decoder.start(audio[None], behind)
    read, rest = list(decoder.prompt), list(draft)[:limit]
    tokens: list[int] = []
    passes, base = 0, len(decoder.prompt)
    while True:
        states, _, state = decoder.step(torch.tensor([read + rest]), state)
        passes += 1
        chosen = decoder.choose(states[0, len(read) - 1 :])[0].tolist()
        agreed = 0
        while True:
            token = chosen[agreed]
            if token == decoder.end or len(tokens) >= limit or loops(tokens):
                return Drafted(tuple(tokens), passes)
            tokens.append(token)
            if agreed < len(rest) and rest[agreed] == token:
                agreed += 1
                continue
            break
        state = state.crop(base + len(tokens) - 1)
        near = rest[agreed : agreed + SEARCH]
        after = agreed + near.index(token) + 1 if token in near else agreed + 1
        read, rest = [token], rest[after:]
