"""Teach Whisper's decoder what an agent is asked: a correction of low rank, by cross-entropy.

Half of what it learns from is people reading anything, so that it does not take everything for a
question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from antiphon import weights
from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.llm import lora
from antiphon.recognition.conversation import decoder_tuning
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.jobs.language_model import drawn

RANK = 32
BATCH = 16
RATE = 3e-4
HELD_OUT = 25
"""Every so many clips one is held out."""
LONGEST_CLIP, LONGEST_TEXT = 700, 60
"""States (50 a second) and tokens of a clip at most."""
IGNORED = -100


@dataclass(frozen=True)
class Clip:
    """What is learnt from."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    tokens: list[int]
    """What is said, in Whisper's tokens."""


def clips(shards: Sequence[Path], transcriber: Transcriber) -> list[Clip]:
    """The clips of a corpus of heard speech whose text is known, the shortest first.

    Raises:
        UserError: There are too few.
    """
    found = []
    for shard in shards:
        for heard, text in heard_speech.read(shard):
            ids = transcriber.tokenizer.encode(f" {text}", add_special_tokens=False).ids
            if text and len(ids) < LONGEST_TEXT and len(heard.frames) < LONGEST_CLIP:
                found.append(Clip(heard.frames, ids))
    if len(found) < 2 * HELD_OUT:
        raise UserError(
            f"The corpus of heard speech has {len(found)} clips whose text is known, too few to "
            "learn from: make a larger one with --hours, in a new --work folder."
        )
    return sorted(found, key=lambda clip: len(clip.frames))


class Writing:
    """Nats a token of what is said, read along with what is heard.

    Args:
        transcriber: whose decoder learns.
    """

    def __init__(self, transcriber: Transcriber) -> None:
        self.transcriber = transcriber

    def __call__(self, batch: Sequence[Clip]) -> torch.Tensor:
        """The mean over all tokens and end marks of some clips."""
        decoder, silence = self.transcriber.decoder, self.transcriber.silence
        longest = max(len(clip.frames) for clip in batch)
        audio = torch.stack(
            [torch.cat([c.frames.float(), silence[len(c.frames) : longest]]) for c in batch]
        )
        given, wanted = self._tokens(batch)
        with mixed_precision():
            state = decoder.start(audio, self.transcriber.behind)
            states, _, _ = decoder.step(given, state)
            states = states[:, len(decoder.prompt) - 1 :][wanted != IGNORED]
            logits = F.linear(states, decoder.embed_tokens.weight)
        return F.cross_entropy(logits.float(), wanted[wanted != IGNORED])

    def _tokens(self, batch: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the decoder reads, the prompt first, and what should follow the prompt."""
        decoder = self.transcriber.decoder
        read = [torch.tensor([*decoder.prompt, *clip.tokens]) for clip in batch]
        after = [torch.tensor([*clip.tokens, decoder.end]) for clip in batch]
        pad = nn.utils.rnn.pad_sequence
        return (
            pad(read, batch_first=True, padding_value=decoder.end),
            pad(after, batch_first=True, padding_value=IGNORED),
        )


def train(
    recognizer: str,
    corpus: Path,
    work: Path,
    out: Path,
    *,
    steps: int,
    minutes: float | None = None,
    seed: int = 0,
) -> bool:
    """Train a correction for the Whisper of a name, and write it to `out`.

    Args:
        recognizer: a name or folder.
        corpus: shards of heard speech.
        work: folder of the run, which is resumed.
        out: folder of the finished weights.
        steps: optimizer steps.
        minutes: time limit.
        seed: of weights and batches.

    Returns:
        True if the last step was reached; what was learnt until then is written in any case.

    Raises:
        UserError: The corpus is too small.
    """
    torch.manual_seed(seed)
    transcriber = Transcriber.load(weights.path(recognizer))
    known = clips(sorted(corpus.glob("*.pt")), transcriber)
    held_out, learnt = known[::HELD_OUT], [c for i, c in enumerate(known) if i % HELD_OUT]
    corrections = decoder_tuning.attach(transcriber.decoder, RANK)
    writing = Writing(transcriber)

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        count = max(1, len(learnt) // BATCH)
        first = drawn(count, step // count, seed)[step % count] * BATCH
        return {"loss": writing(learnt[first : first + BATCH])}

    def evaluate() -> Mapping[str, float]:
        parts = [held_out[i : i + BATCH] for i in range(0, len(held_out), BATCH)]
        return {"loss": sum(float(writing(p)) * len(p) for p in parts) / len(held_out)}

    done = loop.fit(
        transcriber.decoder,
        losses,
        loop.Schedule(steps, RATE, warmup=40),
        work,
        minutes=minutes,
        seed=seed,
        evaluate=evaluate,
        evaluate_every=100,
    )
    out.mkdir(parents=True, exist_ok=True)
    lora.save(corrections, out / decoder_tuning.FILE)
    facts = {
        "kind": decoder_tuning.KIND,
        **asdict(decoder_tuning.TuningConfig(recognizer, LONGEST_CLIP)),
    }
    (out / "config.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    return done
