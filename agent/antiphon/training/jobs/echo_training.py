"""Stage III, Echo training: the voice learns to speak from the language model's hidden states.

The language model writes replies X' itself; the frozen stage-II generator says them, which gives
pseudo units y'; then the denoising adapter and the generator learn `P(y' | H)` from the hidden
states H, segment by segment as the trigger cuts them, with the adapter held near the embeddings:
`L = -sum log P(y'|H) + w sum (1 - cos(Adapter(H_i), Emb(X'_i)))`, the cosine term capped at a
fifth of the unit loss. The language model stays as stage I left it, so that `L_S2T` is a constant;
`JointEcho` lets its LoRA learn, too, and adds `L_S2T`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon.messages import Token
from antiphon.t2c.denoising_adapter import capped, cosine_loss
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.training.corpora.pseudo_units import EchoExample
from antiphon.training.jobs.language_model import Texts, reply_loss
from antiphon.training.jobs.unit_lm import Example, Speaking, pad
from antiphon.training.loop import Schedule, fit


class Echo(Speaking):
    """Loss of Echo training.

    Args:
        model: starts as the stage-II generator.
        examples: of `pseudo`.
        cosine: with the denoising term; without it for the ablation.
        generator: train the generator, too. Left as it is, the text path stays what stage II made
            it, one generator serves both paths, and what stage III adds is a small file.
    """

    def __init__(
        self,
        model: TextToCodec,
        examples: Sequence[EchoExample],
        *,
        cosine: bool = True,
        generator: bool = False,
    ) -> None:
        super().__init__(model, [e.speech for e in examples])
        self.denoiser = model.denoiser
        self.voice.requires_grad_(generator)
        self.lm.requires_grad_(generator)
        self.cosine = cosine
        self.sources = {id(e.speech): e for e in examples}

    def losses(self, batch: Sequence[Example], rng: random.Random) -> dict[str, torch.Tensor]:
        """Cross-entropy of units and lengths given hidden states, and the denoising term."""
        sources = [self.sources[id(e)] for e in batch]
        hidden, real = pad(self.states(sources))
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

    def states(self, sources: Sequence[EchoExample]) -> list[torch.Tensor]:
        """[T, H] predictor states of every reply: those that wrote it."""
        return [torch.from_numpy(e.hidden).float() for e in sources]

    def _cut(self, example: Example, rng: random.Random) -> int:
        return self.sources[id(example)].cut


class JointEcho(Echo):
    """Echo training of denoising adapter and language model together.

    The states are those of the language model as it stands, so the loss of the voice reaches its
    LoRA; `L_S2T` keeps it answering. Of that only the cross entropy of replies is needed: its CTC
    term belongs to the ears, which stay.

    Args:
        model: starts as the stage-II generator.
        examples: of `pseudo`.
        llm: a causal language model whose LoRA requires gradients (`lora.attach`).
        texts: exchanges of stage I.
        exchanges: how many of them a step.
    """

    def __init__(
        self,
        model: TextToCodec,
        examples: Sequence[EchoExample],
        llm: Any,
        texts: Texts,
        exchanges: int = 8,
    ) -> None:
        super().__init__(model, examples)
        self.llm, self.texts, self.exchanges = llm, texts, exchanges

    def losses(self, batch: Sequence[Example], rng: random.Random) -> dict[str, torch.Tensor]:
        """Those of the voice, and the cross entropy of replies."""
        values = super().losses(batch, rng)
        told = self.texts.batch(rng.randrange(1 << 20), self.exchanges)
        table = self.llm.get_input_embeddings()
        asked = [table(torch.tensor(e.question)) for e in told]
        before, after = self.texts.before, self.texts.after
        reply = reply_loss(self.llm, before, after, asked, [e.reply for e in told])
        return {**values, "loss": values["loss"] + reply, "s2t": reply}

    def states(self, sources: Sequence[EchoExample]) -> list[torch.Tensor]:
        """[T, H] predictor states of every reply as the language model reads it now."""
        rows = [torch.from_numpy(np.concatenate([e.prompt, e.ids[:-1]])) for e in sources]
        ids, mask = pad(rows)
        read = self.llm.get_decoder()(input_ids=ids, attention_mask=mask.long(), use_cache=False)
        return [
            states[len(e.prompt) - 1 : len(row)].float()
            for states, e, row in zip(read.last_hidden_state, sources, rows, strict=True)
        ]


def warm_start(
    model: TextToCodec, replies: Sequence[Sequence[Token]], steps: int = 1000, seed: int = 0
) -> float:
    """Fit the adapter to the embeddings alone, the denoising term by itself.

    It takes no speech, so it can learn from many more replies than Echo training itself.

    Args:
        model: whose denoiser learns.
        replies: of the language model, every 20th held out.
        steps: of 512 tokens.
        seed: of the batches.

    Returns:
        The mean cosine on the replies held out.
    """
    learnt = [t for i, reply in enumerate(replies) if i % 20 for t in reply]
    kept = [t for reply in replies[::20] for t in reply]
    hidden, ids = stacked(learnt)
    denoiser = model.denoiser
    recalled = torch.zeros(len(hidden), 1)
    if denoiser.recall:
        recalled = torch.cat([denoiser.recalled(part) for part in hidden.split(1024)])
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=2e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 2e-5)
    chance = torch.Generator().manual_seed(seed)
    denoiser.train()
    for _ in tqdm(range(steps), desc="denoiser", unit="step"):
        rows = torch.randint(len(ids), (512,), generator=chance)
        adapted = denoiser.added(hidden[rows]) + recalled[rows]
        loss = cosine_loss(adapted, model.embeddings[ids[rows]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    denoiser.eval()
    hidden, ids = stacked(kept)
    with torch.no_grad():
        return 1 - float(cosine_loss(denoiser(hidden), model.embeddings[ids]))


def stacked(tokens: Sequence[Token]) -> tuple[torch.Tensor, torch.Tensor]:
    """States [N, H] and ids [N] of tokens."""
    states = torch.stack([token.hidden.float() for token in tokens])
    return states, torch.tensor([token.id for token in tokens])


def train(
    task: Echo, out: Path, *, steps: int = 400, minutes: float | None = None, seed: int = 0
) -> None:
    """Train, or go on training, denoiser and generator in `out`."""
    schedule = Schedule(steps, lr=3e-4, warmup=50)
    fit(task, task.step, schedule, out, minutes=minutes, seed=seed, evaluate=task.held_out)
