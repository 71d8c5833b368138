"""Train the pronouncer on running text labelled by the teacher's phonemizer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.t2c.phonemes import SPACE, PhonemeInventory, group
from antiphon.t2c.pronouncer import Pronouncer, PronouncerConfig, character_ids, unit_scale
from antiphon.t2c.spelling import Spelling, pieces_of, spell
from antiphon.training.corpora.voice.teacher import Teacher
from antiphon.training.loop import Schedule, fit

BATCH = 64
RATE = 1.5e-3
TOKEN_DROPOUT = 0.15
"""Share of texts whose token vectors are dropped, so that spelling alone suffices."""
LEXICON_SHARE = 0.3
"""Share of texts made of lexicon words, including names."""
NAMES_SHARE = 0.82
"""Share of batches made of names and rare words only, in a run that goes on for them. The rest is
running text, so that it is not forgotten."""
TEXT_LENGTH = 62
"""Characters at most of its running texts: a long one among short ones wastes work."""
NAMES_AMONG_WORDS = 0.75
"""Share of names among the words of such a batch: other words are mostly in the lexicon."""
HELD_NAMES = 400
"""Names held out of such a run, by which its progress is judged."""
NAMES_LENGTH = 30
"""Characters of a text of theirs, about: short texts of one length waste no work."""


def sounds_of(teacher: Teacher, text: str) -> list[str]:
    """Sounds of `text` from the teacher, sentences joined by a space, without marks."""
    joined: list[str] = []
    for symbols in teacher.symbols(text):
        joined += ([SPACE] if joined else []) + group(symbols)
    return joined


@dataclass
class Speller:
    """Converts text to pronouncer inputs with the language model's tokenizer."""

    tokenizer: Any
    embeddings: torch.Tensor
    """[V, H] the language model's token embeddings."""

    def __call__(self, text: str) -> tuple[str, torch.Tensor, torch.Tensor]:
        """The spoken form of a text, its character ids [C] and unit-scale token vectors [C, H]."""
        encoded = self.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        form = spell(pieces_of(text, encoded["offset_mapping"]))
        ids = torch.tensor([encoded["input_ids"][t] for t in form.tokens], dtype=torch.long)
        vectors = unit_scale(self.embeddings[ids].float())
        return form.text, torch.tensor(character_ids(form.text), dtype=torch.long), vectors

    def spelled(self, text: str) -> tuple[Spelling, torch.Tensor]:
        """The spelling of a text and the unit-scale vectors [T, H] of its tokens."""
        encoded = self.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        vectors = self.embeddings[torch.tensor(encoded["input_ids"], dtype=torch.long)].float()
        return spell(pieces_of(text, encoded["offset_mapping"])), unit_scale(vectors)

    def tokens(self, text: str) -> list[int]:
        """Token id of each character of the spoken form."""
        encoded = self.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        form = spell(pieces_of(text, encoded["offset_mapping"]))
        return [encoded["input_ids"][t] for t in form.tokens]


class Pronunciation(nn.Module):
    """CTC loss of a pronouncer on random pieces of text.

    Args:
        pronouncer: the model to train.
        inventory: its sounds.
        teacher: provides the labels.
        speller: provides the inputs.
        texts: running text.
        lexicon: single words, for rare words.
        names: more of them, for batches without running text.
        names_share: share of such batches.
    """

    def __init__(
        self,
        pronouncer: Pronouncer,
        inventory: PhonemeInventory,
        teacher: Teacher,
        speller: Speller,
        texts: Sequence[str],
        lexicon: Sequence[str],
        names: Sequence[str] = (),
        names_share: float = 0.0,
    ) -> None:
        super().__init__()
        self.pronouncer, self.names_share = pronouncer, names_share
        self.inventory, self.teacher, self.speller = inventory, teacher, speller
        kept = max(1, len(texts) // 50)
        self.held_texts, self.texts, self.lexicon = texts[:kept], texts[kept:], lexicon
        shuffled = random.Random(0).sample(names, len(names))
        self.held_names, self.names = shuffled[:HELD_NAMES], shuffled[HELD_NAMES:]

    def step(self, step: int) -> Mapping[str, torch.Tensor]:
        """Loss on the batch of `step`."""
        rng = random.Random(step)
        if self.names_share:
            draw = self._draw_names if rng.random() < self.names_share else self._draw_short
        else:
            draw = self._draw
        return self.losses([draw(rng) for _ in range(BATCH)], rng)

    def losses(self, texts: Sequence[str], rng: random.Random | None) -> dict[str, torch.Tensor]:
        """Mean CTC loss per sound."""
        scores, lengths, labels = self.score(texts, rng)
        loss = F.ctc_loss(
            scores.transpose(0, 1),
            torch.tensor([s for row in labels for s in row]),
            lengths,
            torch.tensor([len(row) for row in labels]),
            blank=self.pronouncer.blank,
            zero_infinity=True,
        )
        return {"loss": loss}

    def score(
        self, texts: Sequence[str], rng: random.Random | None
    ) -> tuple[torch.Tensor, torch.Tensor, list[list[int]]]:
        """Slot scores [B, T, sounds + 1], slots per text [B], and the true sounds."""
        read = [self.speller(text) for text in texts]
        read = [row for row in read if len(row[1])]
        labels = [self.inventory.ids(sounds_of(self.teacher, form)) for form, _, _ in read]
        # Kernels are compiled for every new shape, so lengths are multiples of 32.
        longest = -(-max(len(ids) for _, ids, _ in read) // 32) * 32
        width = read[0][2].shape[-1]
        characters = torch.zeros(len(read), longest, dtype=torch.long)
        vectors = torch.zeros(len(read), longest, width)
        mask = torch.zeros(len(read), longest, dtype=torch.bool)
        for i, (_, ids, vector) in enumerate(read):
            characters[i, : len(ids)] = ids
            mask[i, : len(ids)] = True
            if rng is None or rng.random() > TOKEN_DROPOUT:
                vectors[i, : len(ids)] = vector
        with mixed_precision(enabled=self.training):
            scores = self.pronouncer(characters, vectors, mask)
        slots = mask.sum(1) * (scores.shape[1] // longest)
        return scores.float(), slots, labels

    def held_out(self, count: int = 256) -> dict[str, float]:
        """Sound error rate on held-out texts, with and without token vectors, and on names."""
        texts = self.held_texts[:count]
        hidden = random.Random(0)
        hidden.random = lambda: 0.0  # type: ignore[method-assign]
        figures = {
            "error": self._error(texts, None),
            "error_spelling_only": self._error(texts, hidden),
        }
        if self.held_names:
            figures["error_names"] = self._error(self.held_names, None)
        return figures

    def _error(self, texts: Sequence[str], rng: random.Random | None) -> float:
        scores, slots, labels = self.score(texts, rng)
        wrong = sum(
            distance(self.pronouncer.read(row[:n])[0], label)
            for row, n, label in zip(scores, slots.tolist(), labels, strict=True)
        )
        return wrong / max(1, sum(map(len, labels)))

    def _draw(self, rng: random.Random) -> str:
        if rng.random() < LEXICON_SHARE:
            words = rng.choices(self.lexicon, k=rng.randint(1, 8))
            return " ".join(words) + rng.choice(["", ".", ",", "?"])
        text = rng.choice(self.texts)
        words = text.split()
        if rng.random() < 0.4 and len(words) > 2:
            first = rng.randrange(len(words) - 1) if rng.random() < 0.6 else 0
            last = rng.randint(first + 1, len(words))
            text = (" " if first else "") + " ".join(words[first:last])
        return text

    def _draw_short(self, rng: random.Random) -> str:
        text = self._draw(rng)
        return text[: text.rfind(" ", 0, TEXT_LENGTH)] if len(text) > TEXT_LENGTH else text

    def _draw_names(self, rng: random.Random) -> str:
        def word() -> str:
            named = rng.random() < NAMES_AMONG_WORDS
            return rng.choice(self.names if named else self.lexicon)

        text = rng.choice(["", " "]) + word()
        while len(text) + len(next_ := word()) < NAMES_LENGTH:
            text += " " + (next_[0].upper() + next_[1:] if rng.random() < 0.1 else next_)
        return text + rng.choice(["", "", ".", ",", "?"])


def distance(a: Sequence[int], b: Sequence[int]) -> int:
    """Edit distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def train(
    task: Pronunciation,
    out: Path,
    *,
    steps: int = 4000,
    minutes: float | None = None,
    seed: int = 0,
    lr: float = RATE,
) -> bool:
    """Train a pronouncer in `out`; resumes a run. True: the last step was reached."""
    schedule = Schedule(steps, lr=lr, warmup=200)
    return fit(task, task.step, schedule, out, minutes=minutes, seed=seed, evaluate=task.held_out)


def new_pronouncer(inventory: PhonemeInventory, hidden: int, seed: int = 0) -> Pronouncer:
    """An untrained pronouncer."""
    torch.manual_seed(seed)
    return Pronouncer(PronouncerConfig(len(inventory), hidden))
