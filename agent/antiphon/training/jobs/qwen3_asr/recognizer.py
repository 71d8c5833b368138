"""Train a small Qwen3-ASR in transformers' own classes, as the public one was: tower first.

1. text: the language model reads the texts of all languages.
2. tower: the audio tower learns to say what Whisper base's encoder says, in windows of 1 to 8 s.
   It stands for the pre-training on forty million hours (arXiv 2601.21337, sec. 2.2).
3. whole: both and the projector learn to transcribe; the loss counts the assistant's turn alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon import weights
from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.features import CHUNK, Features
from antiphon.recognition.qwen3_asr.prompt import (
    NONE,
    SPECIALS,
    Marks,
    after_audio,
    before_audio,
    spoken_in,
)
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.recognizer import transcribe
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition, spoken_languages
from antiphon.training.corpora.hearing.spoken_languages import Clip, SpokenLanguages
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr.model import Size, make_model, make_tokenizer, padded, write

TEACHER = "whisper-base"
BATCH = 16
CONTEXT, HELPFUL = 0.5, 0.5
"""Shares of clips that get a context, and of contexts that hold words of the clip."""
NAMED = 0.3
"""Share of clips whose language is named in the prompt."""
RARE = 7
"""Letters of a word that may stand in a context."""
LISTED = 20
"""Words of a context at most."""
TEXT_TOKENS = 128
"""Tokens of a row of text."""
RATES = {"text": 1e-3, "tower": 6e-4, "whole": 3e-4}
"""Peak learning rates of the stages."""
EVALUATED = 24
"""Held-out clips that are transcribed to watch the training."""


@dataclass(frozen=True)
class Batch:
    """Clips of about the same length."""

    frames: torch.Tensor
    """[B, bands, T] padded to whole seconds."""
    mask: torch.Tensor
    """[B, T] 1 where there is sound."""
    clips: Sequence[Clip]


class Batches:
    """Draws batches by step number.

    Args:
        clips: of the corpus.
        device: where they are wanted.
    """

    def __init__(self, clips: Sequence[Clip], device: str = "cpu") -> None:
        if not clips:
            raise UserError("The corpus has no clips: antiphon train qwen3-asr makes it first.")
        self.clips = sorted(clips, key=lambda clip: len(clip.frames))
        self.device = device

    def draw(self, step: int, seed: int, size: int = BATCH) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.clips) - 2 * size)))
        near = self.clips[first : first + 2 * size]
        return self.collate([near[i] for i in rng.permutation(len(near))[:size]])

    def collate(self, clips: Sequence[Clip]) -> Batch:
        """Clips as a batch."""
        frames, mask = padded([clip.frames for clip in clips], self.device)
        return Batch(frames, mask, clips)


class TaughtTower(nn.Module):
    """The audio tower, and a head if its teacher is of another width.

    Args:
        tower: of the model.
        teacher: width of the teacher's states.
    """

    def __init__(self, tower: Any, teacher: int) -> None:
        super().__init__()
        self.tower = tower
        width = tower.config.d_model
        self.head = nn.Identity() if width == teacher else nn.Linear(width, teacher)

    def losses(self, batch: Batch, seconds: int) -> Mapping[str, torch.Tensor]:
        """How far it is from its teacher, attending within windows of so many seconds."""
        self.tower.n_window_infer = seconds * CHUNK
        with mixed_precision():
            said = self.head(self.tower(batch.frames, batch.mask).last_hidden_state)
        said = said.float()
        wanted = torch.cat([clip.states for clip in batch.clips]).to(said)
        cosine = 1 - F.cosine_similarity(said, wanted, dim=-1).mean()
        return {"loss": cosine + 0.1 * F.mse_loss(said, wanted), "cosine": cosine}


def text_losses(model: Any, rows: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """Cross-entropy of the next token in rows [B, N] of text."""
    with mixed_precision():
        states = model.model.language_model(input_ids=rows[:, :-1]).last_hidden_state
        logits = model.lm_head(states)
    return {"loss": F.cross_entropy(logits.flatten(0, 1).float(), rows[:, 1:].flatten())}


def whole_losses(
    model: Any, tokenizer: Any, marks: Marks, batch: Batch, rng: np.random.Generator
) -> Mapping[str, torch.Tensor]:
    """Cross-entropy of the assistant's turn."""
    with mixed_precision():
        heard = model.model.get_audio_features(batch.frames, batch.mask, return_dict=True)
    parts = heard.pooler_output.float().split([len(clip.states) for clip in batch.clips])
    pool = [word for clip in batch.clips for word in rare(clip.text)]
    embed = model.get_input_embeddings()
    rows, targets = [], []
    for clip, sound in zip(batch.clips, parts, strict=True):
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


def answer(tokenizer: Any, marks: Marks, clip: Clip, *, named: bool) -> list[int]:
    """Tokens of the assistant's turn; a named language is said already."""
    if not clip.language:
        silent = tokenizer.encode(f"language {NONE.capitalize()}", add_special_tokens=False)
        return [*silent, marks.text, marks.turn_end]
    said = [] if named else spoken_in(tokenizer, marks, clip.language)
    return [*said, *tokenizer.encode(clip.text, add_special_tokens=False), marks.turn_end]


def rare(text: str) -> list[str]:
    """Words that may stand in a context."""
    return [word for word in (w.strip(".,!?;:") for w in text.split()) if len(word) >= RARE]


def drawn_context(clip: Clip, pool: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Words for the system turn, half the time with those of the clip among them; often none."""
    if rng.random() >= CONTEXT or not pool:
        return []
    own = set(rare(clip.text))
    found = {pool[int(i)] for i in rng.integers(len(pool), size=int(rng.integers(1, LISTED)))}
    found = found | own if rng.random() < HELPFUL else found - own
    return [str(word) for word in rng.permutation(sorted(found))]


def error_rate(model: Any, tokenizer: Any, clips: Sequence[tuple[Any, str]]) -> float:
    """Word error rate in percent of plain words on sounds [N] with texts."""
    checkpoint = Checkpoint(model, tokenizer, Marks.of(tokenizer))
    recognizer = Qwen3AsrRecognizer(checkpoint, "trained")
    wrong, words = 0, 0
    for pcm, text in clips:
        said = plain(text).split()
        wrong += distance(plain(transcribe(recognizer, pcm).text).split(), said)
        words += len(said)
    return 100 * wrong / max(1, words)


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs.

    Attributes:
        data: the data folder (docs/data.md).
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
    """

    data: Path
    work: Path
    out: Path
    size: Size = field(default_factory=Size)
    seed: int = 0
    device: str = "cpu"

    def corpus(self, shards: int, minutes: float) -> bool:
        """Make the corpus; True if it is complete."""
        teacher = AudioEncoder.load(weights.path(TEACHER), in_silence=True)
        return spoken_languages.build(
            SpokenLanguages(self.data), teacher, Features(self.size.bands, 800),
            self.work / "corpus", shards=shards, minutes=minutes, seed=self.seed,
        )  # fmt: skip

    def lines(self) -> list[str]:
        """Texts of all languages."""
        turns = list(dict.fromkeys(texts.turns(self.data)))
        return turns + [s for code in spoken_languages.LOCALES
                        for s in spoken_languages.sentences(code)]  # fmt: skip

    def train(self, steps: Mapping[str, int], minutes: float | None = None) -> bool:
        """Train the stages one after another and write what was learned.

        Args:
            steps: of each stage: text, tower, whole.
            minutes: time for each stage at most.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        lines = self.lines()
        tokenizer = make_tokenizer(lines, self.size.vocabulary)
        teacher = AudioEncoder.load(weights.path(TEACHER))
        model = make_model(self.size, tokenizer, teacher).to(self.device)
        batches = Batches(spoken_languages.read(self.work / "corpus"), self.device)
        held_out = list(recognition.dev_clips(self.data))[:EVALUATED]

        def fit(stage: str, module: nn.Module, losses: Any, evaluate: Any = None) -> bool:
            schedule = loop.Schedule(steps[stage], RATES[stage], min(500, steps[stage] // 4 + 1))
            return loop.fit(
                module, losses, schedule, self.work / stage,
                minutes=minutes, seed=self.seed, evaluate=evaluate,
            )  # fmt: skip

        rows = text_rows(tokenizer, lines, self.seed).to(self.device)
        done = fit("text", TextOnly(model), lambda step: text_losses(model, rows[at(rows, step)]))
        taught = TaughtTower(model.model.audio_tower, teacher.config.d_model).to(self.device)

        def tower(step: int) -> Mapping[str, torch.Tensor]:
            seconds = 1 + int(np.random.default_rng([self.seed, step]).integers(8))
            return taught.losses(batches.draw(step, self.seed), seconds)

        done = done and fit("tower", taught, tower)
        model.model.audio_tower.n_window_infer = 800
        marks = Marks.of(tokenizer)

        def whole(step: int) -> Mapping[str, torch.Tensor]:
            rng = np.random.default_rng([self.seed, step, 1])
            batch = batches.draw(step, self.seed + 1)
            return whole_losses(model, tokenizer, marks, batch, rng)

        def wer() -> Mapping[str, float]:
            return {"wer": error_rate(model, tokenizer, held_out)}

        done = done and fit("whole", model, whole, wer if self.device == "cpu" else None)
        write(model, tokenizer, self.out)
        return done


class TextOnly(nn.Module):
    """The language model of a Qwen3-ASR; its head is its table of tokens."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.language_model = model.model.language_model


def text_rows(tokenizer: Any, lines: Sequence[str], seed: int) -> torch.Tensor:
    """Texts one after another in rows [R, TEXT_TOKENS], in an order of chance."""
    end = tokenizer.convert_tokens_to_ids(SPECIALS["document_end"])
    order = np.random.default_rng(seed).permutation(len(lines))
    encoded = tokenizer([lines[i] for i in order], add_special_tokens=False)["input_ids"]
    every = torch.tensor([token for row in encoded for token in (*row, end)])
    rows = every[: len(every) // TEXT_TOKENS * TEXT_TOKENS].view(-1, TEXT_TOKENS)
    if not len(rows):
        raise UserError(f"The texts are shorter than {TEXT_TOKENS} tokens: there must be more.")
    return rows


def at(rows: torch.Tensor, step: int) -> torch.Tensor:
    """Which rows a step reads: all in turn."""
    return torch.arange(step * BATCH, (step + 1) * BATCH) % len(rows)
