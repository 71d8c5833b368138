"""Train a small Qwen3-ASR in transformers' own classes, as the public one was: tower first.

1. text: the language model writes texts of all languages from what it might be given for their
   sound (`labels.imagined`), so no speech is needed for it.
2. tower: the audio tower has Whisper base's layers, which stand for the pre-training on forty
   million hours (arXiv 2601.21337, sec. 2.2); its convolutions learn to say what Whisper's say.
   They cannot quite, as each sees a part of the bands: so with them (states) the lower layers learn
   to say again what Whisper's say.
3. letters: the upper layers learn by CTC to tell letters apart, then (pieces) with the projector
   to make of what is heard also the tokens that are said, as the language model reads them. They
   go on at a high rate once more (again), and the weights before and after are averaged: between
   two that learnt from the same start lie better ones (Wortsman et al. 2022, arXiv 2109.01903).
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
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import Marks, english_name
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.qwen3_asr.tower import states
from antiphon.recognition.qwen3_asr.writing import known_words
from antiphon.recognition.recognizer import transcribe
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition, spoken_languages
from antiphon.training.corpora.hearing.english_texts import dictionary_texts
from antiphon.training.corpora.hearing.heard_speech import has_number, written
from antiphon.training.corpora.hearing.spoken_languages import SpokenLanguages
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr.batches import BATCH, Batch, Batches
from antiphon.training.jobs.qwen3_asr.cuttings import cut
from antiphon.training.jobs.qwen3_asr.labels import (
    LEARNING,
    Labels,
    Pieces,
    imagined,
)
from antiphon.training.jobs.qwen3_asr.lines import Lines
from antiphon.training.jobs.qwen3_asr.model import (
    Size,
    convolutions,
    make_model,
    make_tokenizer,
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
    "again": 6e-4,
    "writing": 5e-4,
}
"""Peak learning rates of the stages."""
TOWER_SHARE = 0.1
"""Part of the rate that the tower gets beside others: at 2e-4 it forgets faster than it learns."""
LAYER_SHARE = 0.5
"""Part of the rate that the tower's lower layers get beside its convolutions."""
WARM_UP = 100
"""Steps in which the rate rises, at most."""
LETTERS = 1.5
"""Weight of the letters where the pieces learn."""
LONGEST_TEXT = 120
"""Letters of a text that is read without sound."""
SPELLED = 6000
"""Texts of a language by which the pieces of words are chosen: as many of each."""
CUT = 4000
"""Clips out of which the sounds of tokens are cut."""
HEARD_WEIGHT = 0.8
"""Weight of what is heard of each token, beside the language model, when it writes."""
AVERAGED = 0.5
"""Share of the weights that learnt once more in the average with those before."""
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
        letters = "".join(sorted({letter for text in texts for letter in plain(text)}))
        heard = Letters(letters, writer.model.config.audio_config.d_model)
        self.pieces = Labels(writer.model, Pieces(writer.model, writer.tokenizer), heard)

    def states(self, batch: Batch) -> torch.Tensor:
        """States [tokens of all clips, width] of the tower."""
        tower = self.model.model.audio_tower
        with chunks_of(tower, batch.chunk), mixed_precision():
            return states(tower, batch.frames, batch.mask)

    def sounds(self, batch: Batch) -> list[torch.Tensor]:
        """What the language model is given for the sound of each clip: [N, hidden]."""
        return self.projected(self.states(batch), batch)

    def projected(self, states: torch.Tensor, batch: Batch) -> list[torch.Tensor]:
        """The same for states [tokens of all clips, width] of its clips."""
        with mixed_precision():
            found = self.model.model.multi_modal_projector(states)
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

    def letter_losses(self, batch: Batch) -> Losses:
        """Of the letters."""
        found = self.states(batch).float().split(batch.counts)
        return self.pieces.letter_losses(found, [clip.text for clip in batch.clips])

    def piece_losses(self, batch: Batch) -> Losses:
        """Of the pieces, and the letters beside them."""
        texts, states = [clip.text for clip in batch.clips], self.states(batch)
        own = self.pieces.losses(self.projected(states, batch), texts)
        letters = self.pieces.letter_losses(states.float().split(batch.counts), texts)["loss"]
        return {**own, "loss": own["loss"] + LETTERS * letters, "letters": letters}

    def letter_errors(self, batch: Batch) -> float:
        """Word errors in percent of the letters alone that are heard in clips."""
        found = map(self.pieces.read_letters, self.states(batch).float().split(batch.counts))
        return _errors(batch, found)

    def piece_errors(self, batch: Batch) -> float:
        """The same of the pieces."""
        return _errors(batch, map(self.pieces.read, self.sounds(batch)))


def _errors(batch: Batch, found: Iterable[str]) -> float:
    return word_error_rate(zip((clip.text for clip in batch.clips), found, strict=True))


def word_error_rate(texts: Iterable[tuple[str, str]]) -> float:
    """Errors in percent of the plain words of texts, each with what was found for it."""
    pairs = [[plain(text).split() for text in pair] for pair in texts]
    wrong = sum(distance(found, said) for said, found in pairs)
    return 100 * wrong / max(1, sum(len(said) for said, _ in pairs))


def error_rate(hearing: Hearing, hop: int, clips: Sequence[tuple[Any, str]]) -> float:
    """Word error rate in percent of plain words on sounds [N] with texts."""
    writer, letters = hearing.writer, hearing.pieces.letters
    checkpoint = Checkpoint(writer.model, writer.tokenizer, writer.marks, hop, letters=letters)
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
        turns = [*texts.turns(self.data), *(text for part in dictionary_texts() for text in part)]
        turns = [text for text in dict.fromkeys(turns) if len(text) < LONGEST_TEXT]
        every = {code: spoken_languages.sentences(code) for code in spoken_languages.LOCALES}
        return {"en": [written("", t) for t in turns if not has_number(t)], **every}

    def train(self, steps: Mapping[str, int], minutes: float | None = None) -> bool:
        """Train the stages one after another and write what was learned.

        Args:
            steps: of each stage: text, tower, states, letters, pieces, again, writing.
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
        hearing, features = Hearing(writer, spellings).to(self.device), self.size.features()
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
            return {"wer": error_rate(hearing, self.size.hop, held_out)}

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

        done = done and fit(
            "letters", nn.ModuleDict({"tower": tower, "letters": hearing.pieces.letters}),
            lambda step: hearing.letter_losses(drawn(step, 2)),
            lambda: {"wer": hearing.letter_errors(batches.collate(kept))},
        )  # fmt: skip
        model.get_input_embeddings().requires_grad_(False)  # what sounds are drawn to stays there
        done = done and fit(
            "pieces", hearing.pieces,
            lambda step: hearing.piece_losses(drawn(step, 5)),
            lambda: {"wer": hearing.piece_errors(batches.collate(kept))},
        )  # fmt: skip
        before = [learnt.detach().clone() for learnt in hearing.pieces.parameters()]
        done = done and fit(
            "again", hearing.pieces,
            lambda step: hearing.piece_losses(drawn(step, 7)),
            lambda: {"wer": hearing.piece_errors(batches.collate(kept))},
        )  # fmt: skip
        with torch.no_grad():
            for learnt, old in zip(hearing.pieces.parameters(), before, strict=True):
                learnt.lerp_(old, 1 - AVERAGED)

        model.config.heard_weight = HEARD_WEIGHT
        if done:
            found = cut(hearing.pieces, hearing.heard(drawn(i, 6) for i in range(CUT // BATCH)))

        def transcribed(step: int) -> Losses:
            reads = read.losses(writer, found.spoken, BATCH, rng(step, 3))
            return hearing.losses(drawn(step, 3), reads, rng(step, 2))

        done = done and fit("writing", TextOnly(model), transcribed, errors)
        letters = hearing.pieces.letters
        write(model, tokenizer, features, "recognizer", lines, self.out, letters)
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
