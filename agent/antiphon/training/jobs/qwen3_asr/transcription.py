"""What Qwen3-ASR answers to a sound, and how surprised it is by the right answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.recognition.qwen3_asr.prompt import (
    NONE,
    Marks,
    after_audio,
    before_audio,
    spoken_in,
)
from antiphon.training.loop import Losses

CONTEXT, HELPFUL = 0.5, 0.5
"""Shares of clips that get a context, and of contexts that hold words of the clip."""
NAMED = 0.3
"""Share of clips whose language is named in the prompt."""
RARE = 7
"""Letters of a word that may stand in a context."""
LISTED = 20
"""Words of a context at most."""


class Said(Protocol):
    """What is said in a sound."""

    @property
    def text(self) -> str:
        """Empty: nothing is."""

    @property
    def language(self) -> str:
        """Code; empty: nobody speaks."""


@dataclass(frozen=True)
class Writer:
    """A model and what it reads and writes in."""

    model: Any
    """transformers' Qwen3ASRForConditionalGeneration."""
    tokenizer: Any
    marks: Marks


def transcription_losses(
    writer: Writer,
    sounds: Sequence[torch.Tensor],
    clips: Sequence[Said],
    rng: np.random.Generator,
) -> Losses:
    """Cross-entropy of the assistant's turn.

    Args:
        writer: what learns.
        sounds: [N, hidden] what the language model is given for each clip's sound.
        clips: what is said in them.
        rng: draws contexts, and whose language is named.
    """
    model, tokenizer, marks = writer.model, writer.tokenizer, writer.marks
    pool = [word for clip in clips for word in rare(clip.text)]
    embed = model.get_input_embeddings()
    rows, targets = [], []
    for clip, sound in zip(clips, sounds, strict=True):
        context = drawn_context(clip, pool, rng)
        named = bool(clip.language) and rng.random() < NAMED
        head = before_audio(tokenizer, marks, context)
        tail = after_audio(tokenizer, marks, clip.language if named else None)
        said = answer(tokenizer, marks, clip, named=named)
        ids = [torch.tensor(part, device=sound.device) for part in (head, [*tail, *said])]
        rows.append(torch.cat([embed(ids[0]), sound, embed(ids[1])]))
        silent = [-100] * (len(head) + len(sound) + len(tail))
        targets.append(torch.tensor([*silent, *said], device=sound.device))
    read = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    wanted = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
    asked = wanted[:, 1:] != -100
    with mixed_precision():
        states = model.model.language_model(inputs_embeds=read).last_hidden_state
        logits = model.lm_head(states[:, :-1][asked])
    return {"loss": F.cross_entropy(logits.float(), wanted[:, 1:][asked])}


def answer(tokenizer: Any, marks: Marks, clip: Said, *, named: bool) -> list[int]:
    """Tokens of the assistant's turn; a named language is said already."""
    if not clip.language:
        silent = tokenizer.encode(f"language {NONE.capitalize()}", add_special_tokens=False)
        return [*silent, marks.text, marks.turn_end]
    said = [] if named else spoken_in(tokenizer, marks, clip.language)
    return [*said, *tokenizer.encode(clip.text, add_special_tokens=False), marks.turn_end]


def rare(text: str) -> list[str]:
    """Words that may stand in a context."""
    return [word for word in (w.strip(".,!?;:") for w in text.split()) if len(word) >= RARE]


def drawn_context(clip: Said, pool: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Words for the system turn, half the time with those of the clip among them; often none."""
    if rng.random() >= CONTEXT or not pool:
        return []
    own = set(rare(clip.text))
    found = {pool[int(i)] for i in rng.integers(len(pool), size=int(rng.integers(1, LISTED)))}
    found = found | own if rng.random() < HELPFUL else found - own
    return [str(word) for word in rng.permutation(sorted(found))]
