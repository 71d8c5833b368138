"""Stage II: train the voice and the unit LM on the teacher's speech."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from antiphon.compute.precision import mixed_precision
from antiphon.recognition.alignment.viterbi import align
from antiphon.t2c.duration_model import MAX_UNITS, places
from antiphon.t2c.phonemes import SPACE, boundaries, group
from antiphon.t2c.pronouncer import SLOTS, unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.unit_lm import look
from antiphon.training.corpora.voice.teacher_latents import Corpus
from antiphon.training.jobs.voice.pronouncer import Speller
from antiphon.training.loop import Schedule, fit
from antiphon_codecs.unit.unit_codec import UnitCodec
from antiphon_codecs.unit_language.unit_language import UnitLanguage

WORD_DROPOUT = 0.15
"""Share of previous words masked in the LM input, so that it uses the condition."""
TOKEN_DROPOUT = 0.15
"""Share of sentences whose token vectors are dropped."""
TWO_SEGMENT_SHARE = 0.5
"""Share of batches trained as two segments."""
UNITS_A_BATCH = 4500
BUCKETS = 12
"""Groups of sentences of similar length; a batch comes from one group."""
RATE = 1.2e-3
"""Peak learning rate."""
PADDING_MULTIPLE = 32
"""Batches are padded to multiples of this, because kernels are compiled for each new shape."""


@dataclass(frozen=True)
class Example:
    """Training example: one sentence of the teacher."""

    sounds: NDArray[np.int64]
    """[S] sound ids."""
    lengths: NDArray[np.int64]
    """[S] units per sound; the sum equals the number of units covered by the words."""
    tokens: NDArray[np.int64]
    """[S] language-model token of each sound, -1 if unknown."""
    words: NDArray[np.int64]
    """[K] unit words."""
    starts: NDArray[np.int64]
    """[K] unit at which each word starts."""


def prepare(
    corpus: Corpus,
    symbols: Mapping[int, str],
    codec: UnitCodec,
    language: UnitLanguage,
    model: TextToCodec,
    speller: Speller,
) -> list[Example]:
    """Convert the teacher's sentences to training examples.

    Args:
        corpus: the teacher's sentences.
        symbols: phoneme symbol of each id.
        codec: encodes latents as units (one per frame).
        language: encodes units as words.
        model: its pronouncer aligns sounds with tokens.
        speller: provides the pronouncer inputs.
    """
    examples = []
    latents = tqdm(corpus.latents, desc="encode", unit="sentence")
    spelt = language.encode_many([codec.encode_latent(torch.from_numpy(z)) for z in latents])
    rows = zip(corpus.texts, corpus.phonemes, corpus.durations, spelt, strict=True)
    for text, phonemes, durations, words in tqdm(list(rows), desc="align", unit="sentence"):
        names = [symbols[int(p)] for p in phonemes]
        starts = boundaries(names)
        sounds = group(names)
        ends = language.lengths[words].cumsum()
        examples.append(
            Example(
                np.array(model.inventory.ids(sounds), np.int64),
                np.add.reduceat(durations.astype(np.int64), starts),
                owners(model, speller, text, sounds),
                words.astype(np.int64),
                np.concatenate([[0], ends[:-1]]).astype(np.int64),
            )
        )
    return examples


@torch.inference_mode()
def owners(
    model: TextToCodec, speller: Speller, text: str, sounds: Sequence[str]
) -> NDArray[np.int64]:
    """Token of each sound [S]; all -1 if the text does not match the sounds."""
    none = np.full(len(sounds), -1, np.int64)
    form, ids, vectors = speller(text)
    inner = model.inventory.ids(sounds[1:-1])
    if not len(ids) or not inner:
        return none
    mask = torch.ones(1, len(ids), dtype=torch.bool)
    scores = model.pronouncer(ids[None], vectors[None], mask)[0].numpy()
    slots = align(scores, inner, model.pronouncer.blank)
    if not slots or scores[slots, inner].mean() < -2:
        return none
    tokens = speller.tokens(text)
    assert len(tokens) == len(form)
    chosen = [tokens[slot // SLOTS] for slot in slots]
    return np.array([chosen[0], *chosen, chosen[-1]], np.int64)


class Speaking(nn.Module):
    """Losses of voice and unit LM on sentences, whole or as two segments."""

    def __init__(self, model: TextToCodec, examples: Sequence[Example]) -> None:
        super().__init__()
        self.voice, self.lm = model.voice, model.lm
        self.embeddings: torch.Tensor = model.embeddings
        self.space = model.inventory.id(SPACE)
        kept = max(1, len(examples) // 50)
        self.held = examples[:kept]
        ordered = sorted(examples[kept:], key=lambda e: int(e.lengths.sum()))
        size = -(-len(ordered) // BUCKETS)
        self.buckets = [ordered[i : i + size] for i in range(0, len(ordered), size)]
        self.weights = [sum(int(e.lengths.sum()) for e in bucket) for bucket in self.buckets]

    def step(self, step: int) -> Mapping[str, torch.Tensor]:
        """Losses on the batch of `step`, which has sentences of similar length."""
        rng = random.Random(step)
        (bucket,) = rng.choices(self.buckets, self.weights)
        size = max(2, UNITS_A_BATCH // max(1, int(bucket[-1].lengths.sum())))
        return self.losses(rng.sample(bucket, min(size, len(bucket))), rng)

    def held_out(self) -> dict[str, float]:
        """Metrics on held-out sentences."""
        rng = random.Random(0)
        rows = [
            self.losses(self.held[i : i + 16], rng) for i in range(0, min(128, len(self.held)), 16)
        ]
        return {name: float(torch.stack([r[name] for r in rows]).mean()) for name in rows[0]}

    def losses(self, batch: Sequence[Example], rng: random.Random) -> dict[str, torch.Tensor]:
        """Cross entropy of unit words and of lengths."""
        sounds, present = pad([e.sounds for e in batch])
        tokens, _ = pad([e.tokens for e in batch], -1)
        if self.training:
            hidden = torch.tensor([rng.random() < TOKEN_DROPOUT for _ in batch])
            tokens[hidden] = -1
        vectors = unit_scale(self.embeddings[tokens.clamp_min(0)].float())
        vectors = vectors * (tokens >= 0)[..., None]
        return self.score(batch, sounds, present, vectors, rng)

    def score(
        self,
        batch: Sequence[Example],
        sounds: torch.Tensor,
        present: torch.Tensor,
        vectors: torch.Tensor,
        rng: random.Random,
    ) -> dict[str, torch.Tensor]:
        """The same with given token vectors [B, S, H]."""
        cut = [self._cut(e, rng) for e in batch] if rng.random() < TWO_SEGMENT_SHARE else None
        with mixed_precision():
            condition, states, last = self._condition(batch, sounds, present, vectors, cut)
            words, said = pad([e.words for e in batch])
            starts, _ = pad([e.starts for e in batch])
            previous = torch.full_like(words, self.lm.start_id)
            previous[:, 1:] = words[:, :-1]
            if self.training:
                chance = torch.Generator().manual_seed(rng.getrandbits(32))
                previous[torch.rand(previous.shape, generator=chance) < WORD_DROPOUT] = (
                    self.lm.masked_id
                )
            logits = self.lm(previous, look(condition, starts, last.gather(1, starts)))
            scores = self.voice.length_scores(states)
        lengths, _ = pad([e.lengths for e in batch], 1)
        unit = F.cross_entropy(logits[said].float(), words[said])
        length = F.cross_entropy(scores[present].float(), lengths[present].clamp(1, MAX_UNITS) - 1)
        right = (logits[said].argmax(-1) == words[said]).float().mean()
        return {"loss": unit + 0.3 * length, "unit": unit, "length": length, "right": right}

    def _condition(
        self,
        batch: Sequence[Example],
        sounds: torch.Tensor,
        present: torch.Tensor,
        vectors: torch.Tensor,
        cut: list[int] | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Condition [B, T, C], sound states [B, S, C], and the last known unit at each unit."""
        placed = [places(torch.from_numpy(e.lengths)) for e in batch]
        owner, spoken = pad([o for o, _ in placed])
        place, _ = pad([p for _, p in placed])
        states = self.voice.encode(sounds, vectors, present)
        condition = self.voice.condition(states, owner, place, spoken)
        last = spoken.sum(1, keepdim=True).expand(-1, spoken.shape[1]) - 1
        if cut is None:
            return condition, states, last
        # The first segment must not depend on the second, which is not known yet.
        early = torch.arange(sounds.shape[1])[None] < torch.tensor(cut)[:, None]
        ends = torch.tensor([int(e.lengths[:c].sum()) for e, c in zip(batch, cut, strict=True)])
        first = torch.arange(owner.shape[1])[None] < ends[:, None]
        early_states = self.voice.encode(sounds, vectors, present & early)
        early_condition = self.voice.condition(early_states, owner, place, spoken & first)
        return (
            torch.where(first[..., None], early_condition, condition),
            torch.where(early[..., None], early_states, states),
            torch.where(first, ends[:, None] - 1, last),
        )

    def _cut(self, example: Example, rng: random.Random) -> int:
        spaces = np.flatnonzero(example.sounds == self.space)
        return int(rng.choice(spaces.tolist())) if len(spaces) else len(example.sounds)


def pad(
    rows: Sequence[NDArray[np.int64] | torch.Tensor], value: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad rows to [B, T, ...] with `value`; also return the mask [B, T] of real positions."""
    tensors = [torch.as_tensor(row) for row in rows]
    filled = nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)
    rest = [0, 0] * (filled.ndim - 2) + [0, -filled.shape[1] % PADDING_MULTIPLE]
    filled = F.pad(filled, rest, value=value)
    sizes = torch.tensor([len(row) for row in tensors])
    return filled, torch.arange(filled.shape[1])[None] < sizes[:, None]


def train(
    task: Speaking,
    out: Path,
    *,
    steps: int = 4000,
    minutes: float | None = None,
    seed: int = 0,
    lr: float = RATE,
) -> bool:
    """Train voice and unit LM in `out`; resumes a run. True: the last step was reached."""
    schedule = Schedule(steps, lr=lr, warmup=150)
    return fit(task, task.step, schedule, out, minutes=minutes, seed=seed, evaluate=task.held_out)
