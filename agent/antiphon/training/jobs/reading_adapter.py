"""Stage I for a language model that was not there when the ears were made.

What was heard surely enters as it is read, so there is nothing to learn of it. The adapter learns
what to add to the embeddings of pieces in doubt, through the frozen language model, which should
answer what it hears as it answers the same question in writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from antiphon.errors import UserError
from antiphon.llm import chat_template
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.direct import DirectEncoder
from antiphon.s2t.reading_adapter import ReadingAdapter
from antiphon.training.jobs.language_model import drawn, reply_logits
from antiphon.training.loop import Schedule, fit

Clip = tuple[Transcription, str]
"""A recording as it was heard, and what was said."""


def in_doubt(encoder: DirectEncoder, clips: Sequence[Clip]) -> list[Clip]:
    """The clips of which the adapter has something to say.

    Raises:
        UserError: There are none.
    """
    found = [
        (heard, text)
        for heard, text in clips
        if text and len(heard.log_probs) and encoder.doubtful(heard, tokens(encoder, heard))
    ]
    if not found:
        raise UserError(
            "The corpus of heard speech holds no clip of which anything was in doubt: make a "
            "larger one with --hours, in a new --work folder."
        )
    return sorted(found, key=lambda clip: len(clip[0].path))


def tokens(encoder: DirectEncoder, heard: Transcription) -> list[int]:
    """Tokens of what was heard."""
    return chat_template.encode(encoder.tokenizer, heard.text)


class Hearing:
    """The divergence of a language model's replies after hearing from those after reading.

    Args:
        encoder: embeds what was heard.
        llm: a causal language model of transformers, frozen.
        replies: the reply to each text, as tokens.
    """

    def __init__(
        self, encoder: DirectEncoder, llm: Any, replies: Mapping[str, Sequence[int]]
    ) -> None:
        self.encoder, self.llm, self.replies = encoder, llm, replies
        self.before, self.after = chat_template.split_at_question(encoder.tokenizer)
        self.table: torch.Tensor = llm.get_input_embeddings().weight

    def __call__(self, clips: Sequence[Clip]) -> torch.Tensor:
        """Nats a token of the replies."""
        replied = [list(self.replies[text]) for _, text in clips]
        asked = [self.encoder.mixed(heard).to(self.table.dtype) for heard, _ in clips]
        with torch.no_grad():
            ids = [chat_template.encode(self.encoder.tokenizer, text) for _, text in clips]
            read = [self.table[row] for row in ids]
            truth = reply_logits(self.llm, self.before, self.after, read, replied).log_softmax(-1)
        found = reply_logits(self.llm, self.before, self.after, asked, replied).log_softmax(-1)
        return F.kl_div(found, truth, log_target=True, reduction="batchmean")


def train(
    adapter: ReadingAdapter,
    hearing: Hearing,
    clips: Sequence[Clip],
    held_out: Sequence[Clip],
    out: Path,
    *,
    steps: int = 100,
    batch: int = 8,
    lr: float = 1e-3,
    minutes: float | None = None,
    seed: int = 0,
) -> None:
    """Train an adapter in `out`; resumes a run.

    Args:
        adapter: what the encoder of `hearing` reads pieces in doubt with.
        hearing: the loss.
        clips: in doubt, sorted by length.
        held_out: others, whose divergence is logged.
        out: folder of the run.
        steps: optimizer steps.
        batch: clips a step.
        lr: peak learning rate.
        minutes: time limit.
        seed: of the order of clips.
    """

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        count = max(1, len(clips) // batch)
        first = drawn(count, step // count, seed)[step % count] * batch
        return {"loss": hearing(clips[first : first + batch])}

    def evaluate() -> Mapping[str, float]:
        parts = [held_out[i : i + batch] for i in range(0, len(held_out), batch)]
        total = sum(float(hearing(part)) * len(part) for part in parts)
        return {"kl": total / len(held_out)}

    fit(
        adapter,
        losses,
        Schedule(steps=steps, lr=lr, warmup=10, weight_decay=0.0),
        out,
        minutes=minutes,
        seed=seed,
        save_every=10,
        evaluate=evaluate,
        evaluate_every=50,
    )
