"""Stage I, the S2T adapter.

`align` trains the layers before the CTC head; `answer` trains through the frozen language model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.llm import chat_template
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.adapter import Adapter
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.jobs.language_model import drawn, reply_logits
from antiphon.training.loop import Schedule, fit

NEGATIVE_STRIDE = 5
"""One in this many labels that do not occur is a negative in the CTC softmax."""


class Clips:
    """Transcribed clips with their labels, drawn by step.

    Args:
        shards: shard files of `heard_speech`.
        spell: returns the labels of a text, or None if it cannot be spelled.
    """

    def __init__(self, shards: Sequence[Path], spell: Callable[[str], list[int] | None]) -> None:
        self.clips: list[tuple[Transcription, torch.Tensor, str]] = []
        for path in shards:
            for heard, text in heard_speech.read(path):
                labels = spell(text)
                if labels and len(labels) < len(heard.path):
                    self.clips.append((heard, torch.tensor(labels), text))
        self.clips.sort(key=lambda clip: len(clip[0].path))
        if not self.clips:
            raise UserError(
                "the corpus of heard speech is empty: run `antiphon train corpus` first"
            )

    def batch(
        self, step: int, size: int, seed: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Frames [size, T, audio], lengths [size] and labels of clips of similar length."""
        count = max(1, len(self.clips) // size)
        order = drawn(count, step // count, seed)
        return self.take(range(order[step % count] * size, (order[step % count] + 1) * size))

    def take(self, rows: range) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """The same for the clips in `rows`."""
        chosen = [self.clips[i] for i in rows if i < len(self.clips)]
        frames = [heard.wide.float() for heard, _, _ in chosen]
        lengths = torch.tensor([len(row) for row in frames])
        return pad_sequence(frames, batch_first=True), lengths, [c[1] for c in chosen]


def align(
    adapter: Adapter,
    train: Clips,
    held_out: Clips,
    out: Path,
    *,
    steps: int = 600,
    batch: int = 16,
    lr: float = 5e-4,
    minutes: float | None = None,
    seed: int = 0,
) -> None:
    """Train the layers before the CTC head; the held-out loss is logged.

    The rows of the head are Whisper's embeddings and stay frozen. The softmax covers only the
    labels that occur and every `NEGATIVE_STRIDE`-th of the rest: all rows would cost more than
    the adapter.
    """
    for part in (adapter.lbm, adapter.gate, adapter.audio_feature_head):
        part.requires_grad_(False)
    count = adapter.config.vocabulary
    occurring = [clip[1] for clip in (*train.clips, *held_out.clips)]
    active = torch.cat([*occurring, torch.arange(0, count, NEGATIVE_STRIDE)]).unique()
    place = torch.zeros(count, dtype=torch.long).scatter(0, active, torch.arange(len(active)))
    head = adapter.audio_feature_head.weight[active]

    def ctc(frames: torch.Tensor, lengths: torch.Tensor, labels: list[torch.Tensor]) -> Any:
        with mixed_precision():
            logits = F.linear(adapter.features(frames, lengths), head)
        return adapter.loss(logits.float().log_softmax(-1), lengths, [place[row] for row in labels])

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        return {"loss": ctc(*train.batch(step, batch, seed))}

    def evaluate() -> Mapping[str, float]:
        starts = range(0, len(held_out.clips), batch)
        found = [ctc(*held_out.take(range(i, i + batch))).item() for i in starts]
        return {"ctc": sum(found) / len(found)}

    schedule = Schedule(steps=steps, lr=lr, warmup=30, weight_decay=0.0)
    fit(
        adapter,
        losses,
        schedule,
        out,
        minutes=minutes,
        seed=seed,
        save_every=50,
        evaluate=evaluate,
        evaluate_every=100,
    )


def answer(
    adapter: Adapter,
    llm: Any,
    tokenizer: Any,
    train: Clips,
    held_out: Clips,
    reply_to: Callable[[str], str | None],
    out: Path,
    *,
    whole: bool = False,
    steps: int = 400,
    batch: int = 8,
    lr: float = 5e-4,
    minutes: float | None = None,
    seed: int = 0,
) -> None:
    """Train the adapter through the frozen language model: CE + 0.3 CTC.

    The cross entropy compares the language model's predictions for the reply tokens after the
    spoken question with its predictions after the same question in writing, which are the target.
    Its minimum is subtracted, which leaves a KL divergence in nats per token (`kl`).

    Args:
        adapter: after `align`, or the computed initialization.
        llm: with its LoRA merged.
        tokenizer: of the language model.
        train: spoken questions; clips without a reply are not used.
        held_out: other spoken questions, whose divergence is logged.
        reply_to: returns the reply to a question's text, or None.
        out: folder of the run.
        whole: whether to train the whole adapter; if False, only the part that conveys more than
            the words is trained, without the CTC term, and the recognized words do not change.
        steps: optimizer steps.
        batch: clips per step.
        lr: peak learning rate.
        minutes: time limit.
        seed: of the order of clips.
    """
    adapter.requires_grad_(whole)
    for part in (adapter.lbm, adapter.gate):
        part.requires_grad_(True)
    for clips in (train, held_out):
        clips.clips = [clip for clip in clips.clips if reply_to(clip[2])]
    before, after = chat_template.split_at_question(tokenizer)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    table = llm.get_input_embeddings().weight

    def heard(clips: Clips, rows: range) -> dict[str, torch.Tensor]:
        frames, lengths, labels = clips.take(rows)
        with torch.set_grad_enabled(whole and torch.is_grad_enabled()):
            features = adapter.features(frames, lengths)
        chosen = [clips.clips[i] for i in rows]
        asked = []
        for row, (hearing, _, _) in zip(features, chosen, strict=True):
            with torch.set_grad_enabled(whole and torch.is_grad_enabled()):
                pooled = adapter.pool(row[: len(hearing.path)], hearing.path.long())
                log_probs = adapter.log_probs(pooled)
            kept, _ = adapter.said(log_probs)
            asked.append(adapter.embed(pooled, log_probs, kept, table).to(table.dtype))
        replied = [
            [*chat_template.encode(tokenizer, reply_to(text) or ""), end] for _, _, text in chosen
        ]
        with torch.no_grad():
            read = [table[chat_template.encode(tokenizer, text)] for _, _, text in chosen]
            truth = reply_logits(llm, before, after, read, replied).log_softmax(-1)
        found = reply_logits(llm, before, after, asked, replied).log_softmax(-1)
        kl = F.kl_div(found, truth, log_target=True, reduction="batchmean")
        if not whole:
            return {"loss": kl, "kl": kl}
        ctc = adapter.loss(adapter.log_probs(features), lengths, labels)
        return {"loss": kl + 0.3 * ctc, "kl": kl, "ctc": ctc}

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        count = max(1, len(train.clips) // batch)
        first = drawn(count, step // count, seed)[step % count] * batch
        return heard(train, range(first, min(first + batch, len(train.clips))))

    def evaluate() -> Mapping[str, float]:
        starts = range(0, len(held_out.clips), batch)
        found = [
            heard(held_out, range(i, min(i + batch, len(held_out.clips))))["kl"].item()
            for i in starts
        ]
        return {"kl": sum(found) / max(1, len(found))}

    schedule = Schedule(steps=steps, lr=lr, warmup=20, weight_decay=0.0)
    fit(
        adapter,
        losses,
        schedule,
        out,
        minutes=minutes,
        seed=seed,
        save_every=50,
        evaluate=evaluate,
        evaluate_every=50,
    )
