"""Stage III, Echo training: the voice learns to speak from the language model's hidden states.

The language model generates replies X' and the frozen stage-II generator turns them into pseudo
units y'. The denoising adapter and, optionally, the generator then learn `P(y' | H)` from the
hidden states H, in the segments cut by the trigger. A cosine term keeps the adapter output close to
the embeddings: `L = -sum log P(y'|H) + w sum (1 - cos(Adapter(H_i), Emb(X'_i)))`; it is capped at a
fifth of the unit loss. The language model is frozen after stage I, so `L_S2T` is constant;
`JointEcho` also trains its LoRA and adds `L_S2T`.
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
from antiphon.t2c.denoising_adapter import DenoisingAdapter, capped, cosine_loss
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.voice_join import joined_vectors
from antiphon.training.corpora.voice.pseudo_units import EchoExample
from antiphon.training.jobs.language_model import Texts, reply_loss
from antiphon.training.jobs.voice.unit_lm import Example, Speaking, pad
from antiphon.training.loop import Schedule, fit


class Echo(Speaking):
    """Loss of Echo training.

    Args:
        model: starts as the stage-II generator.
        examples: from `pseudo`.
        cosine: whether to add the denoising term; False for the ablation.
        generator: whether to train the generator as well. If it is frozen, the text path keeps its
            stage-II behaviour, both paths share one generator, and stage III adds a small file.
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
        """Cross entropy of units and lengths given hidden states, and the denoising term."""
        sources = [self.sources[id(e)] for e in batch]
        hidden, real = pad(self.states(sources))
        ids, _ = pad([e.ids for e in sources])
        adapted = self.adapted(hidden, ids)
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

    def adapted(self, hidden: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """[B, T, H] vectors of tokens by their states [B, T, H]; their ids are [B, T]."""
        vectors: torch.Tensor = self.denoiser(hidden)
        return vectors

    def states(self, sources: Sequence[EchoExample]) -> list[torch.Tensor]:
        """[T, H] predictor states of each reply, as stored when it was generated."""
        return [torch.from_numpy(e.hidden).float() for e in sources]

    def _cut(self, example: Example, rng: random.Random) -> int:
        return self.sources[id(example)].cut


class JoinEcho(Echo):
    """Echo training of the adapter that joins the voice to another language model.

    The adapter starts by adding nothing to the embeddings of the voice's own tokens, so the voice
    speaks as from text. The pseudo units were spoken in one go: what hidden states can add is what
    is known of the words that are not written yet.

    Args:
        model: the generator of the voice; stays as it is.
        examples: from `pseudo`, in tokens of the voice with states of the language model.
        adapter: [..., H of the language model] to [..., H of the voice].
    """

    def __init__(
        self, model: TextToCodec, examples: Sequence[EchoExample], adapter: DenoisingAdapter
    ) -> None:
        super().__init__(model, examples)
        self.denoiser = adapter

    def adapted(self, hidden: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """See `Echo.adapted`."""
        return joined_vectors(self.denoiser, hidden, self.embeddings[ids].float())


class JointEcho(Echo):
    """Joint Echo training of the denoising adapter and the language model's LoRA.

    The states are recomputed with the current language model, so the voice loss reaches its LoRA.
    `L_S2T` preserves its replies. Only the cross entropy of replies is needed: the CTC term of
    `L_S2T` trains the S2T adapter, which is frozen.

    Args:
        model: starts as the stage-II generator.
        examples: from `pseudo`.
        llm: a causal language model whose LoRA requires gradients (`lora.attach`).
        texts: exchanges of stage I.
        exchanges: number of exchanges per step.
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
        """Voice losses, and the cross entropy of replies."""
        values = super().losses(batch, rng)
        exchanges = self.texts.batch(rng.randrange(1 << 20), self.exchanges)
        table = self.llm.get_input_embeddings()
        asked = [table(torch.tensor(e.question)) for e in exchanges]
        before, after = self.texts.before, self.texts.after
        reply = reply_loss(self.llm, before, after, asked, [e.reply for e in exchanges])
        return {**values, "loss": values["loss"] + reply, "s2t": reply}

    def states(self, sources: Sequence[EchoExample]) -> list[torch.Tensor]:
        """[T, H] predictor states of each reply, from the current language model."""
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
    """Fit the denoising adapter to the embeddings, with the cosine term only.

    This needs no speech, so it can use many more replies than Echo training.

    Args:
        model: its denoiser is trained.
        replies: of the language model; every 20th is held out.
        steps: optimizer steps of 512 tokens.
        seed: of the batches.

    Returns:
        The mean cosine similarity on the held-out replies.
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
    """Train the denoiser, and the generator if it is trainable, in `out`; resumes a run."""
    schedule = Schedule(steps, lr=3e-4, warmup=50)
    fit(task, task.step, schedule, out, minutes=minutes, seed=seed, evaluate=task.held_out)
