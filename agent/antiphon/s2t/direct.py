"""Hearing directly: Whisper's states through the adapter into the language model's embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.int8_llama import Int8Linear, Product, exact
from antiphon.llm.language_model import LanguageModel
from antiphon.recognition.whisper.recognizer import WhisperRecognizer, WhisperState
from antiphon.recognition.whisper.transcriber import POSITION_FEATURES, Transcriber, Transcription
from antiphon.recognition.whisper.turn_end_head import TurnEndHead
from antiphon.s2t.adapter import Adapter, load_adapter
from antiphon.s2t.ctc_labels import unspaced
from antiphon.s2t.question_encoder import Question
from antiphon_codecs.interruption import checkpoint


class DirectEncoder:
    """The language model hears, it does not read.

    Args:
        recognizer: Whisper.
        adapter: trained for it and the language model.
        tokenizer: of the language model.
        embeddings: [V, H] its token embeddings.
    """

    def __init__(
        self,
        recognizer: WhisperRecognizer,
        adapter: Adapter,
        tokenizer: Any,
        embeddings: torch.Tensor,
    ) -> None:
        self.recognizer, self.adapter = recognizer, adapter
        self.tokenizer, self.embeddings = tokenizer, embeddings
        self.opening = unspaced(adapter.tokens, tokenizer)
        head = adapter.audio_feature_head.weight
        self.head: Product = exact(head) if head.shape[1] % 16 else Int8Linear.of(head)

    def start(self) -> WhisperState:
        """State before the first sample."""
        return self.recognizer.start()

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], mono, 16 kHz."""
        return self.recognizer.feed(pcm, state)

    def finish(self, state: WhisperState) -> Question:
        """What the adapter makes of the audio, if it ends here."""
        transcription = self.recognizer.transcription(state)
        text, embeddings = self.understand(transcription)
        return Question(text, embeddings, self.recognizer.complete(transcription))

    @torch.no_grad()
    def understand(self, transcription: Transcription) -> tuple[str, torch.Tensor]:
        """What the CTC head wrote, and embeddings [S, H] for the language model."""
        if not len(transcription.path):
            return "", self.embeddings[:0].float()
        features = self.adapter.features(transcription.wide.float()[None])[0]
        checkpoint()
        features = self.adapter.pool(features, transcription.path)
        log_probs = self.head(features).log_softmax(-1)
        kept, labels = self.adapter.said(log_probs)
        spelled = self.adapter.tokens[labels]
        ids = spelled[spelled >= 0].tolist()
        text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        embedded = self.adapter.embed(features, log_probs, kept, self.embeddings, self.opening)
        return text, embedded


@dataclass(frozen=True)
class AdapterFolderConfig:
    """What the `config.json` beside an adapter says."""

    language_model: str
    """The language model it gives embeddings to."""
    recognizer: str
    """The Whisper whose states it takes."""


def adapter_folder(language_model: str, recognizer: str = "") -> Path | None:
    """The trained adapter for a language model and a recognizer ("" takes any); None: none."""
    for folder in weights.trained("adapter").values():
        config = weights.read_config(folder, AdapterFolderConfig)
        if config.language_model == language_model and recognizer in ("", config.recognizer):
            return folder
    return None


def load(llm: LanguageModel, recognizer: str) -> DirectEncoder:
    """The encoder trained for a language model and a recognizer.

    Raises:
        UserError: There is none.
    """
    folder = adapter_folder(llm.name, recognizer)
    if folder is None:
        raise UserError(
            f"{llm.name} has no adapter of its own for {recognizer} yet: train one "
            "(antiphon train s2t), or choose --ears cascade."
        )
    adapter, silence = load_adapter(folder / "adapter.safetensors")
    transcriber = Transcriber.load(weights.path(recognizer), silence)
    width = 3 * transcriber.encoder.config.d_model + POSITION_FEATURES
    if adapter.config.audio != width or adapter.config.width != llm.embeddings.shape[1]:
        raise UserError(f"The adapter in {folder} was made for other models than its card says.")
    heard = WhisperRecognizer(transcriber, TurnEndHead.for_recognizer(recognizer))
    return DirectEncoder(heard, adapter, llm.tokenizer, llm.embeddings)
