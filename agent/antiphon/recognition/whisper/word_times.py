"""When each word of a window sounds, by where the decoder looked, and how sure it was."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from antiphon.recognition.transcript import Word
from antiphon.recognition.whisper.attention_alignment import monotonic
from antiphon.recognition.whisper.decoding import Transcript

FRAME = 320
"""Samples of an encoder state."""
AHEAD = 2
"""Encoder states (40 ms) by which the decoder looks at a word before it begins, in the median over
three voices whose times are known (`antiphon eval alignment`)."""
OPENING = frozenset("\"'([{¿¡«“‘")
"""Signs that belong to the word after them; all other punctuation to the word before."""


class Decodes(Protocol):
    """What is used of a tokenizer."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens."""


@dataclass(frozen=True)
class Run:
    """Tokens that are a word."""

    text: str
    first: int
    """Its first token."""
    last: int
    """One past the last."""


def words(window: Transcript, tokenizer: Decodes, *, spaced: bool) -> tuple[Word, ...]:
    """The words of a window with times from its first sample, none of no length.

    Cross-attention of the heads that follow the audio, read as the best path that never steps back
    (Whisper's own method; dynamic time warping).

    Args:
        window: a transcript and where it looked.
        tokenizer: of its tokens.
        spaced: whether the language puts spaces between words.
    """
    frames = window.looks.shape[1]
    runs = grouped(pieces(window.tokens, tokenizer), spaced=spaced)
    if not runs or not frames:
        return ()
    path = monotonic(window.looks.float().numpy())
    starts = np.searchsorted(path, np.arange(len(window.tokens) + 1))
    starts[1:] = np.minimum(starts[1:] + AHEAD, frames)
    log_probs = window.log_probs.float().numpy()
    found: list[Word] = []
    for run in runs:
        start, end = int(starts[run.first]), int(starts[run.last])
        start = max(start, found[-1].end // FRAME if found else 0)
        sure = float(np.exp(log_probs[run.first : run.last].mean()))
        found.append(Word(run.text, start * FRAME, max(end, start + 1) * FRAME, sure))
    return tuple(found)


def pieces(tokens: Sequence[int], tokenizer: Decodes) -> list[str]:
    """What each token adds to the text; the last of those that share a character has it."""
    found, said = [], ""
    for i in range(len(tokens)):
        text = tokenizer.decode(list(tokens[: i + 1]))
        if text.endswith("\N{REPLACEMENT CHARACTER}"):
            found.append("")
            continue
        found.append(text[len(said) :])
        said = text
    return found


def grouped(parts: Sequence[str], *, spaced: bool) -> list[Run]:
    """Pieces of a text joined to words; punctuation goes with the word it touches."""
    runs: list[Run] = []
    first, gap = 0, True
    for i, part in enumerate(parts):
        said, gap = part.strip(), gap or part[:1].isspace()
        if not said:
            continue
        new = (gap if spaced else not is_mark(said[0])) and not _closing(said)
        if not runs or (new and not _opening(runs[-1].text)):
            runs.append(Run(said, first, i + 1))
        else:
            runs[-1] = Run(runs[-1].text + said, runs[-1].first, i + 1)
        first, gap = i + 1, False
    return runs


def is_mark(sign: str) -> bool:
    """Whether a sign is punctuation."""
    return unicodedata.category(sign)[0] == "P"


def _closing(said: str) -> bool:
    return bool(said) and all(is_mark(sign) and sign not in OPENING for sign in said)


def _opening(said: str) -> bool:
    return all(sign in OPENING for sign in said)
