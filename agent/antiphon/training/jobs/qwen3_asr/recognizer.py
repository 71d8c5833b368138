"""Train a small Qwen3-ASR in transformers' own classes, as the public one was: tower first.

1. text: the language model writes texts of all languages from what it might be given for their
   sound (`labels.imagined`), so no speech is needed for it.
2. tower: the audio tower has Whisper base's layers, which stand for the pre-training on forty
   million hours (arXiv 2601.21337, sec. 2.2); its convolutions learn to say what Whisper's say.
   They cannot quite, as each sees a part of the bands: so with them (states) the lower layers learn
   to say again what Whisper's say.
3. letters: projector and upper layers learn by CTC to tell letters apart, then (pieces) to make of
   what is heard the tokens that are said, as the language model reads them.
4. writing: the language model learns to transcribe what it is given for speech now, and goes on
   with texts that nobody has spoken, of which there are more (`cuttings`). The loss counts the
   assistant's turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from antiphon import weights
from antiphon.compute.precision import mixed_precision
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr import known_words
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.prompt import Marks, english_name
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.qwen3_asr.tower import heard
from antiphon.recognition.recognizer import transcribe
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition, spoken_languages
from antiphon.training.corpora.hearing.heard_speech import has_number, written
from antiphon.training.corpora.hearing.spoken_languages import SpokenLanguages
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr.batches import BATCH, Batch, Batches
from antiphon.training.jobs.qwen3_asr.cuttings import cut
from antiphon.training.jobs.qwen3_asr.labels import (
    LEARNING,
    Labels,
    Letters,
    Pieces,
    imagined,
)
from antiphon.training.jobs.qwen3_asr.lines import Lines
from antiphon.training.jobs.qwen3_asr.model import (
    Size,
    convolutions,
    make_model,
    make_tokenizer,
    say_nothing,
    write,
)
from antiphon.training.jobs.qwen3_asr.tower import chunks_of, convolution_losses, state_losses
from antiphon.training.jobs.qwen3_asr.transcription import Writer, transcription_losses
from antiphon.training.loop import Losses

TEACHER = "whisper-base"
RATES = {
    "text": 1e-3,
    "tower": 2e-3,
    "states": 2e-4,
    "letters": 1e-3,
    "pieces": 1e-3,
    "writing": 5e-4,
}
"""Peak learning rates of the stages."""
TOWER_SHARE = 0.1
"""Part of the rate that the tower gets beside others: at 2e-4 it forgets faster than it learns."""
LAYER_SHARE = 0.5
"""Part of the rate that the tower's lower layers get beside its convolutions."""
WARM_UP = 100
"""Steps in which the rate rises, at most."""
LONGEST_TEXT = 120
"""Letters of a text that is read without sound."""
SPELLED = 6000
"""Texts of a language by which the pieces of words are chosen: as many of each."""
CUT = 4000
"""Clips out of which the sounds of tokens are cut."""
HEARD_WEIGHT = 0.7
"""Weight of what is heard of each token, beside the language model, when it writes."""
EVALUATED = 24
"""Held-out clips that are transcribed to watch the training."""


class Hearing(nn.Module):
    """A model that hears and writes.

    Args:
        writer: the model.
        texts: that hold all letters.
    """

    def __init__(self, writer: Writer, texts: Iterable[str]) -> None:
        super().__init__()
        self.model, self.writer = writer.model, writer
        letters = Letters(texts, writer.model.config.text_config.hidden_size)
        self.letters = Labels(writer.model, letters)
        self.pieces = Labels(writer.model, Pieces(writer.model, writer.tokenizer))

    def sounds(self, batch: Batch) -> list[torch.Tensor]:
        """What the language model is given for the sound of each clip: [N, hidden]."""
        with chunks_of(self.model.model.audio_tower, batch.chunk), mixed_precision():
            found = heard(self.model, batch.frames, batch.mask)
        return list(found.float().split(batch.counts))

    @torch.no_grad()
    def heard(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[torch.Tensor]]]:
        """Batches, each with what is heard in its clips."""
        for batch in batches:
            yield batch, self.sounds(batch)

    def losses(self, batch: Batch, lines: Losses, rng: np.random.Generator) -> Losses:
        """The assistant's turn after clips, and after lines."""
        with torch.no_grad():
            sounds = self.sounds(batch)
        heard = transcription_losses(self.writer, sounds, batch.clips, rng)["loss"]
        return {"loss": heard + lines["loss"], "heard": heard, "read": lines["loss"]}

    def label_losses(self, labels: Labels, batch: Batch) -> Losses:
        """Of the letters or the pieces."""
        return labels.losses(self.sounds(batch), [clip.text for clip in batch.clips])

    def label_errors(self, labels: Labels, batch: Batch) -> float:
        """Word errors in percent of the labels alone that are heard in clips."""
        clips = zip(batch.clips, self.sounds(batch), strict=True)
        return word_error_rate((clip.text, labels.read(sound)) for clip, sound in clips)


def word_error_rate(texts: Iterable[tuple[str, str]]) -> float:
    """Errors in percent of the plain words of texts, each with what was found for it."""
    pairs = [[plain(text).split() for text in pair] for pair in texts]
    wrong = sum(distance(found, said) for said, found in pairs)
    return 100 * wrong / max(1, sum(len(said) for said, _ in pairs))


def error_rate(writer: Writer, hop: int, clips: Sequence[tuple[Any, str]]) -> float:
    """Word error rate in percent of plain words on sounds [N] with texts."""
    checkpoint = Checkpoint(writer.model, writer.tokenizer, writer.marks, hop)
    recognizer = Qwen3AsrRecognizer(checkpoint, "trained")
    return word_error_rate((text, transcribe(recognizer, pcm).text) for pcm, text in clips)


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
        label = recognition.labeller(Transcriber.load(weights.path(TEACHER)))
        return spoken_languages.build(
            SpokenLanguages(self.data, label), self.work / "corpus",
            shards=shards, minutes=minutes, seed=self.seed,
        )  # fmt: skip

    def texts(self) -> dict[str, list[str]]:
        """Texts of all languages by code."""
        turns = [t for t in dict.fromkeys(texts.turns(self.data)) if len(t) < LONGEST_TEXT]
        every = {code: spoken_languages.sentences(code) for code in spoken_languages.LOCALES}
        return {"en": [written("", t) for t in turns if not has_number(t)], **every}

    def train(self, steps: Mapping[str, int], minutes: float | None = None) -> bool:
        """Train the stages one after another and write what was learned.

        Args:
            steps: of each stage: text, tower, states, letters, pieces, writing.
            minutes: time for each stage at most.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        lines = self.texts()
        spellings = spelled(lines)
        tokenizer = make_tokenizer(spellings, self.size.vocabulary)
        teacher = AudioEncoder.load(weights.path(TEACHER), in_silence=True)
        model = make_model(self.size, tokenizer, teacher).to(self.device)
        writer = Writer(model, tokenizer, Marks.of(tokenizer))
        hearing, features = Hearing(writer, spellings), self.size.features()
        clips = spoken_languages.read(self.work / "corpus")
        batches = Batches(clips, features, self.device)

        def fit(stage: str, module: nn.Module, losses: Any, evaluate: Any = None) -> bool:
            count = steps[stage]
            schedule = loop.Schedule(
                count, RATES[stage], min(WARM_UP, count // 4 + 1),
                shares={"tower.": TOWER_SHARE, "layers.": LAYER_SHARE},
            )  # fmt: skip
            return loop.fit(
                module, losses, schedule, self.work / stage,
                minutes=minutes, seed=self.seed,
                evaluate=evaluate if self.device == "cpu" and kept else None,
            )  # fmt: skip

        def rng(step: int, stage: int) -> np.random.Generator:
            return np.random.default_rng([self.seed, step, stage])

        def drawn(step: int, stage: int) -> Batch:
            return batches.draw(step, self.seed + stage)

        read = Lines(lines)
        tower = model.model.audio_tower
        learning = convolutions(tower)
        held_out = list(recognition.dev_clips(self.data))[:EVALUATED]
        kept = [spoken_languages.kept(*clip, "en") for clip in held_out]

        def imagine(text: str, language: str, rng: np.random.Generator) -> torch.Tensor:
            return imagined(text, hearing.pieces.alphabet, rng)

        def reads(step: int, stage: int) -> Losses:
            return read.losses(writer, imagine, BATCH, rng(step, stage))

        def errors() -> Mapping[str, float]:
            return {"wer": error_rate(writer, self.size.hop, held_out)}

        done = fit("text", TextOnly(model), lambda step: reads(step, 0))
        done = done and fit(
            "tower", learning,
            lambda step: convolution_losses(
                learning, teacher, drawn(step, 0), rng(step, 1)
            ),
        )  # fmt: skip
        lower = max(0, self.size.encoder_layers - LEARNING)
        upper = nn.ModuleList([*tower.layers[lower:], tower.ln_post])
        upper.requires_grad_(False)
        done = done and fit(
            "states", tower,
            lambda step: state_losses(tower, teacher, drawn(step, 4), lower),
        )  # fmt: skip
        tower.requires_grad_(False)
        upper.requires_grad_(True)

        def hears(name: str, labels: Labels, stage: int) -> bool:
            return fit(
                name, labels,
                lambda step: hearing.label_losses(labels, drawn(step, stage)),
                lambda: {"wer": hearing.label_errors(labels, batches.collate(kept))},
            )  # fmt: skip

        done = done and hears("letters", hearing.letters, 2)
        say_nothing(hearing.pieces.projector)
        model.get_input_embeddings().requires_grad_(False)  # what sounds are drawn to stays there
        done = done and hears("pieces", hearing.pieces, 5)

        model.config.heard_weight = HEARD_WEIGHT
        if done:
            found = cut(hearing.pieces, hearing.heard(drawn(i, 6) for i in range(CUT // BATCH)))

        def transcribed(step: int) -> Losses:
            reads = read.losses(writer, found.spoken, BATCH, rng(step, 3))
            return hearing.losses(drawn(step, 3), reads, rng(step, 2))

        done = done and fit("writing", TextOnly(model), transcribed, errors)
        write(model, tokenizer, features, "recognizer", lines, self.out)
        usual = {english_name(code): spoken_languages.usual_words(code) for code in lines}
        known_words.write(self.out / known_words.FILE, usual)
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
