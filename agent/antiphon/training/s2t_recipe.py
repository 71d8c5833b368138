"""The recipe of the speech-to-text adapter: where every job reads from and writes to.

Jobs in order: `corpus`, `reply`, `align`, `answer`. Each resumes where it was stopped and writes
its weights into the folder of the adapter.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from antiphon import settings, weights
from antiphon.llm import chat_template, lora
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.s2t.adapter import Adapter, load_adapter, save_adapter
from antiphon.s2t.ctc_labels import Speller, vocabulary
from antiphon.t2c.voice import trained_for
from antiphon.training.adapter_warm_start import warm_start
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.corpora.voice import own_replies, texts
from antiphon.training.jobs import language_model, s2t_adapter

LABELS = 32_768
"""CTC labels, the blank included."""
LAYERS = 2
"""Depth of the adapter."""
REPLY_TOKENS = 16
"""Tokens of a reply that hearing is judged by."""
HELD_OUT_SHARDS = 1
"""Shards kept for the held-out loss."""
TURN_STRIDE = 10
"""Every tenth turn of the dialogues is enough to choose the labels by."""


def own_language_model() -> str:
    """The language model that the voice of the settings was trained with; else the settings'."""
    models = settings.load(settings.Models)
    return (*trained_for(models.voice), models.llm)[0]


@dataclass
class SpeechToTextRecipe:
    """Training of a speech-to-text adapter.

    Attributes:
        data: folder of the open collections (docs/data.md).
        work: folder of corpora and checkpoints.
        out: folder of the finished adapter.
        llm: the language model it belongs to.
        recognizer: whose encoder it reads.
        seed: of everything.
    """

    data: Path
    work: Path
    out: Path
    llm: str = field(default_factory=own_language_model)
    recognizer: str = field(default_factory=lambda: settings.load(settings.Models).recognizer)
    seed: int = 0

    @cached_property
    def listener(self) -> Transcriber:
        """Whisper."""
        return Transcriber.load(weights.path(self.recognizer))

    def language_model(self, *, corrected: bool) -> tuple[Any, Any]:
        """Language model, with the trained LoRA or without, and its tokenizer."""
        llm, tokenizer = language_model.load_llm(weights.path(self.llm))
        if corrected:
            lora.merge(llm, self.out / "lora.safetensors")
        return llm, tokenizer

    def corpus(self, hours: float, minutes: float) -> float:
        """Spoken questions and human speech as Whisper hears them; returns the hours made."""
        self.work.mkdir(parents=True, exist_ok=True)
        labeler = weights.path(settings.load(settings.Training).labeler)
        labels = heard_speech.pseudo_labels(self.data, labeler, self.work / "labels.json")
        corpus = heard_speech.Corpus(self.data, self.listener, None, labels)
        out = self.work / "corpus"
        return heard_speech.build(corpus, out, hours=hours, minutes=minutes, seed=self.seed)

    def reply(self, steps: int = 500, minutes: float | None = None) -> None:
        """The manner of answering."""
        folder = weights.path(self.llm)
        out = self.work / "reply"
        language_model.reply(folder, self.data, out, steps=steps, minutes=minutes, seed=self.seed)
        self._publish(out / "lora.safetensors")

    def align(self, steps: int = 0, minutes: float | None = None) -> None:
        """Hearing: the adapter as computed from Whisper, and its CTC trained if there are steps."""
        _, tokenizer = self.language_model(corrected=False)
        adapter = self._adapter(tokenizer)
        if steps:
            train, held_out = self._clips(adapter, tokenizer)
            out = self.work / "align"
            s2t_adapter.align(
                adapter, train, held_out, out, steps=steps, minutes=minutes, seed=self.seed
            )
        self._save(adapter)

    def answer(
        self, steps: int = 250, minutes: float | None = None, *, whole: bool = False
    ) -> None:
        """Hearing, by what the language model makes of it; see `s2t_adapter.answer`."""
        llm, tokenizer = self.language_model(corrected=True)
        adapter, _ = load_adapter(self.out / "adapter.safetensors")
        train, held_out = self._clips(adapter, tokenizer)
        replies = self._replies(llm, tokenizer, [c[2] for c in (*train.clips, *held_out.clips)])
        s2t_adapter.answer(
            adapter,
            llm,
            tokenizer,
            train,
            held_out,
            replies.get,
            self.work / "answer",
            whole=whole,
            steps=steps,
            minutes=minutes,
            seed=self.seed,
        )
        self._save(adapter)

    def _replies(self, llm: Any, tokenizer: Any, texts: Sequence[str]) -> dict[str, str]:
        """What the language model answers to texts it reads; kept, since writing takes minutes."""
        path = self.work / "replies.json"
        replies: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        new = sorted({text for text in texts if text not in replies})
        before, after = chat_template.split_at_question(tokenizer)
        prompts = {(*before, *chat_template.encode(tokenizer, t), *after): t for t in new}
        for reply in own_replies.write(llm, tokenizer, new, len(new), self.seed, REPLY_TOKENS):
            replies[prompts[tuple(reply.prompt)]] = "".join(token.text for token in reply.tokens)
        path.write_text(json.dumps(replies, indent=0))
        return replies

    def _clips(
        self, adapter: Adapter, tokenizer: Any
    ) -> tuple[s2t_adapter.Clips, s2t_adapter.Clips]:
        """What is learned from, and what is held out."""
        spell = Speller(adapter.tokens, tokenizer, self.listener.tokenizer)
        shards = sorted((self.work / "corpus").glob("*.pt"))
        return s2t_adapter.Clips(shards[HELD_OUT_SHARDS:], spell), s2t_adapter.Clips(
            shards[:HELD_OUT_SHARDS], spell
        )

    def _adapter(self, tokenizer: Any) -> Adapter:
        asked = texts.questions(self.data)
        sentences = [question[:1].upper() + question[1:] for question, _ in asked] * 2
        sentences += [answer for _, answers in asked for answer in answers if answer]
        sentences += list(texts.turns(self.data))[::TURN_STRIDE]
        labels = vocabulary(sentences, tokenizer, self.listener.tokenizer, LABELS)
        torch.manual_seed(self.seed)
        return warm_start(self.listener, tokenizer, labels, 576, 9, LAYERS)

    def _save(self, adapter: Adapter) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        save_adapter(adapter, self.listener.silence, self.out / "adapter.safetensors")

    def _publish(self, file: Path) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        part = self.out / f"{file.name}.part"
        shutil.copyfile(file, part)
        part.replace(self.out / file.name)
