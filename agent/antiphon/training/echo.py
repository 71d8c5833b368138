"""Stage III, Echo training: the voice learns to speak from the language model's hidden states.

The language model writes replies X' itself; the frozen stage-II generator says them, which gives
pseudo units y'; then the denoising adapter and the generator learn `P(y' | H)` from the hidden
states H, segment by segment as the trigger cuts them, with the adapter held near the embeddings:
`L = -sum log P(y'|H) + w sum (1 - cos(Adapter(H_i), Emb(X'_i)))`, the cosine term capped at a
fifth of the unit loss. The language model stays as stage I left it, so `L_S2T` is a constant here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.messages import Token
from antiphon.t2c.denoising import capped, cosine_loss
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.trigger import BreathTrigger, Trigger
from antiphon.training.loop import Schedule, fit
from antiphon.training.t2c import Example, Speaking, pad


@dataclass(frozen=True)
class EchoExample:
    """One sentence of a reply the language model wrote, as the stage-II generator says it."""

    speech: Example
    """`tokens` index the reply's tokens here, not the vocabulary."""
    cut: int
    """Sounds of the first segment the trigger cut; all of them if the sentence is one segment."""
    ids: NDArray[np.int64]
    """[T] the reply's tokens."""
    hidden: NDArray[np.float16]
    """[T, H] their predictor states."""


@torch.inference_mode()
def pseudo(
    model: TextToCodec,
    replies: Iterable[Sequence[Token]],
    *,
    trigger: Trigger | None = None,
    liveliness: float = 0.5,
    seed: int = 0,
) -> list[EchoExample]:
    """Pseudo units of replies, sentence by sentence.

    Args:
        model: the stage-II generator; speaks from token embeddings.
        replies: tokens with their predictor states.
        trigger: cuts the replies into segments.
        liveliness: of the lengths.
        seed: of the lengths.
    """
    chance = torch.Generator().manual_seed(seed)
    examples = []
    for reply in tqdm(replies, desc="pseudo units", unit="reply"):
        reply = list(reply)
        state, lm, first = model.start(), model.lm.start(), 0
        open_parts: list[tuple[Sequence[int], Sequence[int], Sequence[int], list[int]]] = []
        for segment in (trigger or BreathTrigger()).cut(reply):
            plan, state = model.plan(
                segment, state, source="text", liveliness=liveliness, generator=chance
            )
            for clause in plan.clauses:
                if clause.fresh:
                    examples += _sentence(open_parts, reply, model)
                    open_parts, lm = [], model.lm.start()
                words = []
                for word, reached in model.lm.speak(clause.condition, model.word_lengths, lm):
                    words.append(word)
                    lm = reached
                owners = [first + token for token in clause.tokens]
                open_parts.append((clause.sounds, clause.lengths, owners, words))
            first += len(segment.tokens)
        examples += _sentence(open_parts, reply, model)
    return examples


def _sentence(
    parts: Sequence[tuple[Sequence[int], Sequence[int], Sequence[int], list[int]]],
    reply: Sequence[Token],
    model: TextToCodec,
) -> list[EchoExample]:
    if not parts:
        return []
    sounds, lengths, owners, words = (
        np.array([x for part in parts for x in part[i]], np.int64) for i in range(4)
    )
    used = int(owners.max()) + 1
    spans = model.word_lengths.numpy()[words]
    return [
        EchoExample(
            Example(sounds, lengths, owners, words, spans.cumsum() - spans),
            len(parts[0][0]),
            np.array([token.id for token in reply[:used]], np.int64),
            torch.stack([token.hidden for token in reply[:used]]).half().numpy(),
        )
    ]


class Echo(Speaking):
    """Loss of Echo training.

    Args:
        model: starts as the stage-II generator.
        examples: of `pseudo`.
        cosine: with the denoising term; without it for the ablation.
    """

    def __init__(
        self, model: TextToCodec, examples: Sequence[EchoExample], *, cosine: bool = True
    ) -> None:
        super().__init__(model, [e.speech for e in examples])
        self.denoiser = model.denoiser
        self.pronouncer = model.pronouncer
        self.pronouncer.requires_grad_(False)
        self.cosine = cosine
        self.sources = {id(e.speech): e for e in examples}

    def losses(self, batch: Sequence[Example], rng: random.Random) -> dict[str, torch.Tensor]:
        """Cross-entropy of units and lengths given hidden states, and the denoising term."""
        sources = [self.sources[id(e)] for e in batch]
        hidden, real = pad([torch.from_numpy(e.hidden).float() for e in sources])
        ids, _ = pad([e.ids for e in sources])
        adapted = self.denoiser(hidden)
        sounds, present = pad([e.sounds for e in batch])
        owners, _ = pad([e.tokens for e in batch])
        vectors = unit_scale(adapted)
        vectors = vectors.gather(1, owners[..., None].expand(-1, -1, vectors.shape[-1]))
        values = self.score(batch, sounds, present, vectors * present[..., None], rng)
        cosine = cosine_loss(adapted[real], self.embeddings[ids[real]])
        loss = values["loss"]
        if self.cosine:
            loss = loss + capped(cosine, values["unit"])
        return {**values, "loss": loss, "cosine": cosine}

    def _cut(self, example: Example, rng: random.Random) -> int:
        return self.sources[id(example)].cut


def warm_start(
    model: TextToCodec, examples: Sequence[EchoExample], steps: int = 300, seed: int = 0
) -> float:
    """Fit the adapter to the embeddings alone; returns the last mean cosine.

    A minute of this spares the generator from unlearning what it knows while the adapter still
    gives noise.
    """
    hidden = torch.from_numpy(np.concatenate([e.hidden for e in examples])).float()
    ids = torch.from_numpy(np.concatenate([e.ids for e in examples]))
    optimizer = torch.optim.AdamW(model.denoiser.parameters(), lr=1e-3)
    chance = torch.Generator().manual_seed(seed)
    model.denoiser.train()
    loss = torch.ones(())
    for _ in tqdm(range(steps), desc="denoiser", unit="step"):
        rows = torch.randint(len(ids), (512,), generator=chance)
        loss = cosine_loss(model.denoiser(hidden[rows]), model.embeddings[ids[rows]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return 1 - float(loss)


def train(
    task: Echo, out: Path, *, steps: int = 400, minutes: float | None = None, seed: int = 0
) -> None:
    """Train, or go on training, denoiser and generator in `out`."""
    schedule = Schedule(steps, lr=3e-4, warmup=50)
    fit(task, task.step, schedule, out, minutes=minutes, seed=seed, evaluate=task.held_out)
