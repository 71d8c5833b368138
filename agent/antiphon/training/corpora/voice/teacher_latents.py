"""The voice corpus: phonemes, durations and teacher latents of sentences, in shards."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon.training.corpora.voice.teacher import Teacher, Utterance

SHARD_SENTENCES = 500


def make(
    teacher: Teacher, texts: Sequence[str], out: Path, *, seed: int, minutes: float | None = None
) -> bool:
    """Speak `texts` into shards of 500 sentences; existing shards are kept.

    Returns:
        True if all shards exist, False if the time limit was reached.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    for first in tqdm(range(0, len(texts), SHARD_SENTENCES), desc=out.name, unit="shard"):
        path = out / f"{first // SHARD_SENTENCES:05d}.npz"
        if path.exists():
            continue
        if time.monotonic() > deadline:
            return False
        onnxruntime.set_seed(seed + first)
        rng = np.random.default_rng(seed + first)
        spoken = [
            teacher.speak(text, phonemes, rate=float(rng.uniform(0.92, 1.08)))
            for text in texts[first : first + SHARD_SENTENCES]
            for phonemes in teacher.phonemes(text)
            if 3 <= len(phonemes) <= 250
        ]
        write(spoken, path)
    return True


def write(spoken: Sequence[Utterance], path: Path) -> None:
    """Write one shard atomically."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            texts=np.array(json.dumps([u.text for u in spoken])),
            lengths=np.array([[len(u.phonemes), len(u.latent)] for u in spoken], np.int32),
            phonemes=np.concatenate([u.phonemes for u in spoken]),
            durations=np.concatenate([u.durations for u in spoken]),
            latents=np.concatenate([u.latent for u in spoken]),
        )
    part.replace(path)


@dataclass
class Corpus:
    """All shards in memory (about 120 MB per hour of speech)."""

    texts: list[str]
    phonemes: list[NDArray[np.int16]]
    durations: list[NDArray[np.int16]]
    latents: list[NDArray[np.float16]]

    @classmethod
    def load(cls, folder: Path, limit: int | None = None) -> Corpus:
        """Read the shards of `folder`, at most `limit` of them.

        Raises:
            UserError: if there are none.
        """
        paths = sorted(folder.glob("*.npz"))[:limit]
        if not paths:
            raise UserError(f"{folder} holds no latents: run `antiphon train corpus` first")
        corpus = cls([], [], [], [])
        for path in paths:
            shard = np.load(path)
            ends = shard["lengths"].cumsum(0)[:-1]
            corpus.texts += json.loads(str(shard["texts"]))
            corpus.phonemes += np.split(shard["phonemes"], ends[:, 0])
            corpus.durations += np.split(shard["durations"], ends[:, 0])
            corpus.latents += np.split(shard["latents"], ends[:, 1])
        return corpus

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def hours(self) -> float:
        """Hours of speech at 86.13 frames per second."""
        return sum(map(len, self.latents)) * 256 / 22050 / 3600

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation [192] of the latents of the first 2000 sentences."""
        frames = np.concatenate(self.latents[:2000]).astype(np.float32)
        return torch.from_numpy(frames.mean(0)), torch.from_numpy(frames.std(0))
