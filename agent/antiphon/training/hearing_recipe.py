"""The recipe of ears for any language model: what a finished recognizer needs to be heard by it.

Jobs in order: `corpus`, `replies`, `train`. Each resumes where it was stopped.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from antiphon import settings, weights
from antiphon.errors import UserError
from antiphon.llm import chat_template
from antiphon.llm.language_model import LanguageModelConfig
from antiphon.llm.transformers_model import TransformersLanguageModel, load
from antiphon.recognition.conversation import listener
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.transcriber import POSITION_FEATURES, Transcriber
from antiphon.s2t.direct import AdapterFolderConfig, DirectEncoder, adapter_folder
from antiphon.s2t.reading_adapter import (
    FILE,
    ReadingAdapter,
    ReadingAdapterConfig,
    save_reading_adapter,
)
from antiphon.s2t.readings import TrainedReadings
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.corpora.voice import own_replies
from antiphon.training.jobs import reading_adapter as job

log = logging.getLogger(__name__)
REPLY_TOKENS = 16
"""Tokens of a reply that hearing is judged by."""
HELD_OUT = 10
"""Every so many clips in doubt one is held out."""
AT_ONCE = 64
"""Replies written before they are kept."""


@dataclass
class HearingRecipe:
    """Ears for one language model.

    Attributes:
        data: folder of the open collections (docs/data.md).
        work: folder of what belongs to this language model.
        corpus_folder: of heard speech, which serves every language model.
        out: folder of the finished adapter.
        llm: any language model of transformers.
        recognizer: a Whisper.
        seed: of everything.
    """

    data: Path
    work: Path
    corpus_folder: Path
    out: Path
    llm: str
    recognizer: str = field(default_factory=lambda: settings.load(settings.Models).recognizer)
    seed: int = 0

    def __post_init__(self) -> None:
        LanguageModelConfig.read(weights.path(self.llm))  # before anything else is made
        folder = adapter_folder(self.llm, self.recognizer)
        if folder is not None and not (folder / FILE).exists():
            raise UserError(
                f"{self.llm} has an adapter of its own in {folder}: leave --llm away to train it."
            )

    @cached_property
    def listener(self) -> Transcriber:
        """Whisper as it hears a conversation."""
        return listener.load(self.recognizer)

    @cached_property
    def language_model(self) -> TransformersLanguageModel:
        """The language model, through which gradients can pass."""
        return load(weights.path(self.llm), None, self.llm)

    def corpus(self, hours: float, minutes: float | None) -> bool:
        """Spoken questions and human speech as Whisper hears them; returns whether there are any.

        A corpus that is there is taken as it is.
        """
        return heard_speech.ensure(
            self.data, self.corpus_folder, self.listener,
            hours=hours, minutes=minutes, seed=self.seed,
        )  # fmt: skip

    def replies(self, minutes: float | None) -> bool:
        """Let the language model answer the clips in doubt, in writing; returns whether it has."""
        deadline = time.monotonic() + 60 * (minutes if minutes is not None else float("inf"))
        known = self._replies()
        missing = sorted({text for _, text in self.clips} - known.keys())
        model = self.language_model
        before, after = chat_template.split_at_question(model.tokenizer)
        for first in range(0, len(missing), AT_ONCE):
            if time.monotonic() > deadline:
                return False
            asked = missing[first : first + AT_ONCE]
            prompts = {
                (*before, *chat_template.encode(model.tokenizer, text), *after): text
                for text in asked
            }
            known |= {text: [] for text in asked}
            for reply in own_replies.write(
                model.llm, model.tokenizer, asked, len(asked), self.seed, REPLY_TOKENS
            ):
                known[prompts[tuple(reply.prompt)]] = [token.id for token in reply.tokens]
            self._keep(known)
        return True

    def train(self, steps: int, minutes: float | None) -> None:
        """Stage I: learn what to add to pieces in doubt."""
        known = {text: reply for text, reply in self._replies().items() if reply}
        clips = [clip for clip in self.clips if clip[1] in known]
        held_out = clips[::HELD_OUT]
        learnt = [clip for i, clip in enumerate(clips) if i % HELD_OUT]
        if not learnt:
            raise UserError(f"{self.llm} answered too few questions to learn from: choose another.")
        hearing = job.Hearing(self.encoder, self.language_model.llm, known)
        readings = self.encoder.readings
        assert isinstance(readings, TrainedReadings)
        adapter = readings.adapter
        job.train(
            adapter, hearing, learnt, held_out, self.work / "hearing",
            steps=steps, minutes=minutes, seed=self.seed,
        )  # fmt: skip
        self.out.mkdir(parents=True, exist_ok=True)
        save_reading_adapter(adapter.eval(), self.out / FILE)
        facts = AdapterFolderConfig(self.llm, self.recognizer)
        config = {"kind": "adapter", **vars(facts)}
        (self.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")

    @cached_property
    def encoder(self) -> DirectEncoder:
        """Embeds what was heard, with an adapter that adds nothing yet."""
        model = self.language_model
        table = model.embeddings
        torch.manual_seed(self.seed)
        audio = 3 * self.listener.encoder.config.d_model + POSITION_FEATURES
        scale = float(table.float().square().mean().sqrt())
        adapter = ReadingAdapter(ReadingAdapterConfig(audio, table.shape[1]), scale)
        readings = TrainedReadings(self.listener, model.tokenizer, table, adapter)
        heard = WhisperRecognizer(self.listener)
        return DirectEncoder(heard, readings, model.tokenizer, table)

    @cached_property
    def clips(self) -> list[job.Clip]:
        """What was heard in doubt."""
        shards = sorted(self.corpus_folder.glob("*.pt"))
        every = [clip for shard in shards for clip in heard_speech.read(shard)]
        return job.in_doubt(self.encoder, every)

    def _replies(self) -> dict[str, list[int]]:
        path = self.work / "replies.json"
        known: dict[str, list[int]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return known

    def _keep(self, replies: dict[str, list[int]]) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        part = self.work / "replies.part"
        part.write_text(json.dumps(replies, indent=0), "utf-8")
        part.replace(self.work / "replies.json")
