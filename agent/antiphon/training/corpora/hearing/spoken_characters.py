"""Which character of a clip's text is spoken at every state of Whisper's encoder.

It tells what a projector into any language model is to say, whatever that model's tokens are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from antiphon.recognition.whisper.attention_alignment import monotonic
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.recognition.whisper.word_times import pieces
from antiphon.training.corpora import numbered_files

SILENT = -1
"""Stands for a state at which nothing is said."""
LOOKED = 0.02
"""Share of the most that the decoder looked anywhere for a token, from which on it is spoken."""


def spoken(transcriber: Transcriber, frames: torch.Tensor, text: str) -> torch.Tensor:
    """Places [T] in a text, int16, by where Whisper's decoder looks while it reads it.

    A token is spoken as fast as its neighbours' places allow, its characters evenly.

    Args:
        transcriber: Whisper.
        frames: [T, width] its encoder states.
        text: what is said.
    """
    room = transcriber.decoder.config.max_target_positions - len(transcriber.decoder.prompt)
    ids = transcriber.tokenizer.encode(f" {text}", add_special_tokens=False).ids[:room]
    read = transcriber.decoder.read(frames.float(), ids, transcriber.behind)
    looks = read.looks.float().numpy()
    path = monotonic(looks)
    heard = looks[path, np.arange(len(path))] >= LOOKED * looks.max(1)[path]
    ends = np.cumsum([len(piece) for piece in pieces(ids, transcriber.tokenizer)]) - 1
    bounds = np.clip([0, *ends], 0, len(text)) if len(ids) else np.zeros(1, int)
    found = np.full(len(frames), SILENT, np.int16)
    for row in range(len(ids)):
        at = np.flatnonzero(path == row)
        first, last = bounds[row], max(bounds[row] + 1, bounds[row + 1])
        found[at] = np.linspace(first, last, len(at), endpoint=False).astype(np.int16)
    found = np.where(heard, np.minimum(found, len(text) - 1), SILENT)
    return torch.from_numpy(found.astype(np.int16))


def build(transcriber: Transcriber, corpus: Path, out: Path, *, minutes: float) -> bool:
    """Write the places of the clips of every shard of a corpus; True if all are there.

    Args:
        transcriber: Whisper, whose states the shards hold.
        corpus: of `heard_speech.build`.
        out: folder of the places, shard by shard.
        minutes: time to take at most.
    """
    shards = numbered_files.files(corpus)

    def places(number: int) -> list[torch.Tensor]:
        rows = torch.load(shards[number], weights_only=True)
        return [spoken(transcriber, row["frames"], row["text"]) for row in rows]

    return numbered_files.write(
        out, len(shards), places, minutes=minutes, kind="alignment", digits=5
    )


def read(folder: Path) -> list[torch.Tensor]:
    """The places of all clips, in order."""
    return [
        places
        for path in numbered_files.files(folder)
        for places in torch.load(path, weights_only=True)
    ]


def token_at(places: torch.Tensor, ends: Sequence[int]) -> torch.Tensor:
    """Which token [T] is spoken at places [T] of a text; SILENT stays.

    Args:
        places: of `spoken`.
        ends: one past the last character of each token, rising.
    """
    found = torch.searchsorted(torch.tensor(ends), places.long(), right=True)
    return torch.where(places < 0, SILENT, found.clamp(max=len(ends) - 1))
