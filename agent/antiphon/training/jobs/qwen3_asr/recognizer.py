"""Train a small Qwen3-ASR in transformers' own classes, as the public one was: tower first.

1. text: the language model writes texts of all languages from what it might be given for their
   sound (`labels.imagined`), so no speech is needed for it.
2. tower: the audio tower learns to say what Whisper base's encoder says, in windows of 1 to 8 s.
   It stands for the pre-training on forty million hours (arXiv 2601.21337, sec. 2.2).
3. projector: it learns by CTC to make of the teacher's own states, which are at hand, the tokens
   that are said, as the language model reads them.
4. labels: tower and projector learn the same of the sound.
5. whole: all learn to transcribe; the loss counts the assistant's turn, and the labels a little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.recognizer import transcribe
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition, spoken_languages
from antiphon.training.corpora.hearing.heard_speech import has_number, written
from antiphon.training.corpora.hearing.spoken_languages import Clip, SpokenLanguages
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr.labels import Labels, labels
from antiphon.training.jobs.qwen3_asr.lines import Lines
from antiphon.training.jobs.qwen3_asr.model import Size, make_model, make_tokenizer, padded, write
from antiphon.training.jobs.qwen3_asr.transcription import Writer, transcription_losses
from antiphon.training.loop import Losses

TEACHER = "whisper-base"
BATCH = 16
RATES = {"text": 1e-3, "tower": 6e-4, "projector": 1e-3, "labels": 1.5e-4, "whole": 1.5e-4}
"""Peak learning rates of the stages."""
HIDDEN_TIME, HIDDEN_BANDS = 0.1, 0.15
"""Shares of a clip's frames and of its bands that are hidden at once, at most, and that twice."""
LABELS = 0.3
"""Weight of the labels while all learn."""
LONGEST_TEXT = 120
"""Letters of a text that is read without sound."""
SPELLED = 6000
"""Texts of a language by which the pieces of words are chosen: as many of each."""
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

    def draw(self, step: int, seed: int, *, hide: bool = False) -> Batch:
        """The batch of a step; `hide` some of each clip (SpecAugment, arXiv 1904.08779)."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.clips) - 2 * BATCH)))
        near = self.clips[first : first + 2 * BATCH]
        clips = [near[i] for i in rng.permutation(len(near))[:BATCH]]
        if hide:
            clips = [replace(clip, frames=partly_hidden(clip.frames, rng)) for clip in clips]
        return self.collate(clips)

    def collate(self, clips: Sequence[Clip]) -> Batch:
        """Clips as a batch."""
        frames, mask = padded([clip.frames for clip in clips], self.device)
        return Batch(frames, mask, clips)


def partly_hidden(frames: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Frames [T, bands], two spans of time and two of bands of them as loud as the clip's mean."""
    found, level = frames.clone(), frames.float().mean().to(frames)
    for _ in range(2):
        for hidden, share in ((found, HIDDEN_TIME), (found.T, HIDDEN_BANDS)):
            width = int(rng.integers(1 + int(share * len(hidden))))
            first = int(rng.integers(1 + len(hidden) - width))
            hidden[first : first + width] = level
    return found


def tower_losses(tower: Any, batch: Batch, seconds: int) -> Losses:
    """How far a tower is from its teacher, attending within windows of so many seconds."""
    tower.n_window_infer = seconds * CHUNK
    with mixed_precision():
        said = tower(batch.frames, batch.mask).last_hidden_state
    said = said.float()
    wanted = torch.cat([clip.states for clip in batch.clips]).to(said)
    cosine = 1 - F.cosine_similarity(said, wanted, dim=-1).mean()
    return {"loss": cosine + 0.1 * F.mse_loss(said, wanted), "cosine": cosine}


class Hearing(nn.Module):
    """A model that hears and writes.

    Args:
        writer: the model.
    """

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.model, self.writer = writer.model, writer
        self.labels = Labels(writer.model, writer.blank)

    def sounds(self, batch: Batch) -> list[torch.Tensor]:
        """What the language model is given for the sound of each clip: [N, hidden]."""
        with mixed_precision():
            heard = self.model.model.get_audio_features(batch.frames, batch.mask, return_dict=True)
        return list(heard.pooler_output.float().split([len(clip.states) for clip in batch.clips]))

    def states_losses(self, batch: Batch) -> Losses:
        """CTC of what is said, from the teacher's states instead of the tower's."""
        states = torch.cat([clip.states for clip in batch.clips]).float().to(self.model.device)
        projected = self.labels.projector(states)
        return self.label_losses(batch, list(projected.split([len(c.states) for c in batch.clips])))

    def label_losses(self, batch: Batch, sounds: list[torch.Tensor] | None = None) -> Losses:
        """CTC of what is said."""
        said = [labels(self.writer.tokenizer, clip.text) for clip in batch.clips]
        return self.labels.losses(sounds or self.sounds(batch), said)

    def losses(self, batch: Batch, rng: np.random.Generator) -> Losses:
        """The assistant's turn, and a little of the labels."""
        sounds = self.sounds(batch)
        heard = self.label_losses(batch, sounds)["loss"]
        written = transcription_losses(self.writer, sounds, batch.clips, rng)["loss"]
        return {"loss": written + LABELS * heard, "written": written, "labels": heard}

    def label_errors(self, clips: Sequence[Clip]) -> float:
        """Word errors in percent of what the labels alone say of clips."""
        wrong, words = 0, 0
        for clip in clips:
            frames, mask = padded([clip.frames], str(self.model.device))
            found = self.labels.read(self.sounds(Batch(frames, mask, [clip]))[0])
            said = plain(clip.text).split()
            wrong += distance(self.writer.tokenizer.decode(found).split(), said)
            words += len(said)
        return 100 * wrong / max(1, words)


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

    def texts(self) -> dict[str, list[str]]:
        """Texts of all languages by code."""
        turns = [t for t in dict.fromkeys(texts.turns(self.data)) if len(t) < LONGEST_TEXT]
        every = {code: spoken_languages.sentences(code) for code in spoken_languages.LOCALES}
        return {"en": [written("", t) for t in turns if not has_number(t)], **every}

    def train(self, steps: Mapping[str, int], minutes: float | None = None) -> bool:
        """Train the stages one after another and write what was learned.

        Args:
            steps: of each stage: text, tower, projector, labels, whole.
            minutes: time for each stage at most.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        lines = self.texts()
        tokenizer = make_tokenizer(spelled(lines), self.size.vocabulary)
        teacher = AudioEncoder.load(weights.path(TEACHER))
        model = make_model(self.size, tokenizer, teacher).to(self.device)
        writer = Writer(model, tokenizer, Marks.of(tokenizer))
        hearing = Hearing(writer)
        batches = Batches(spoken_languages.read(self.work / "corpus"), self.device)

        def fit(stage: str, module: nn.Module, losses: Any, evaluate: Any = None) -> bool:
            schedule = loop.Schedule(steps[stage], RATES[stage], min(500, steps[stage] // 4 + 1))
            return loop.fit(
                module, losses, schedule, self.work / stage,
                minutes=minutes, seed=self.seed,
                evaluate=evaluate if self.device == "cpu" else None,
            )  # fmt: skip

        def rng(step: int, stage: int) -> np.random.Generator:
            return np.random.default_rng([self.seed, step, stage])

        read = Lines(lines)
        listening = model.model.audio_tower
        held_out = list(recognition.dev_clips(self.data))[:EVALUATED]
        features = Features(self.size.bands, 800)
        heard = [spoken_languages.prepared(*clip, "en", teacher, features) for clip in held_out]

        def tower(step: int) -> Losses:
            seconds = 1 + int(rng(step, 1).integers(8))
            return tower_losses(listening, batches.draw(step, self.seed, hide=True), seconds)

        def wer() -> Mapping[str, float]:
            return {"wer": error_rate(model, tokenizer, held_out)}

        done = fit("text", TextOnly(model), lambda step: read.losses(writer, BATCH, rng(step, 0)))
        done = done and fit("tower", listening, tower)
        listening.n_window_infer = 800
        done = done and fit(
            "projector", hearing.labels.projector,
            lambda step: hearing.states_losses(batches.draw(step, self.seed + 1)),
        )  # fmt: skip
        done = done and fit(
            "labels", hearing.labels,
            lambda step: hearing.label_losses(batches.draw(step, self.seed + 2, hide=True)),
            lambda: {"wer": hearing.label_errors(heard)},
        )  # fmt: skip
        done = done and fit(
            "whole", model,
            lambda step: hearing.losses(
                batches.draw(step, self.seed + 3, hide=True), rng(step, 2)
            ), wer,
        )  # fmt: skip
        write(model, tokenizer, "recognizer", lines, self.out)
        return done


def spelled(lines: Mapping[str, Sequence[str]]) -> list[str]:
    """Texts by which pieces of words are chosen, as they are written and as they sound."""
    some = [text for texts in lines.values() for text in texts[:: max(1, len(texts) // SPELLED)]]
    return [*some, *(f" {plain(text)}" for text in some)]


class TextOnly(nn.Module):
    """The language model of a Qwen3-ASR; its head is its table of tokens."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.language_model = model.model.language_model
