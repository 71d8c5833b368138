"""What an ear is: it takes audio piece by piece and ends with a question for the language model."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.llm.int8_llama import Int8Linear, Product, exact
from antiphon.recognition.whisper.audio_encoder import EncoderState
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.recognition.whisper.transcriber import Transcriber, Transcription
from antiphon.s2t.adapter import Adapter, AdapterConfig
from antiphon.s2t.ctc_labels import unspaced
from antiphon.s2t.turn_end_head import TurnEndHead
from antiphon_codecs.interruption import checkpoint
from antiphon_codecs.skip_init import SkipInit

HEAD = "audio_feature_head.weight"
REFRESH = SAMPLE_RATE
"""Samples after which a recording is listened to again while it grows."""


@dataclass(frozen=True)
class Question:
    """What the user asked, as an ear understood it."""

    text: str
    """The transcript."""
    embeddings: torch.Tensor | None
    """[S, H] what the language model reads; None: the transcript."""
    complete: float | None = None
    """Log odds that the turn is complete, by its sound; None: no opinion."""


class Ear(Protocol):
    """Hears for any number of sessions; each holds its own state, which is never changed."""

    def start(self) -> Any:
        """State before the first sample."""

    def feed(self, pcm: NDArray[np.float32], state: Any) -> Any:
        """State after `pcm` [N], 16 kHz."""

    def finish(self, state: Any) -> Question:
        """The question, if the recording ends here."""


@dataclass(frozen=True)
class WhisperState:
    """A recording and what was understood of it last."""

    encoder: EncoderState
    """The audio so far."""
    fresh: int
    """Samples since it was listened to last."""
    draft: tuple[tuple[int, ...], ...]
    """Whisper's tokens then, by window: a guess that saves time, never a result."""
    heard: Transcription | None = None
    """What was heard then, if nothing has come since."""


class WhisperEar(ABC):
    """Listens again every second while the audio grows, so that little is left to do at its end.

    Args:
        listener: Whisper.
        closing: judges whether a turn is complete; None: nobody does.
    """

    def __init__(self, listener: Transcriber, closing: TurnEndHead | None = None) -> None:
        self.listener, self.closing = listener, closing

    @abstractmethod
    def understand(self, heard: Transcription) -> Question:
        """The question of a whole recording."""

    def start(self) -> WhisperState:
        """State before the first sample."""
        return WhisperState(self.listener.encoder.start(), 0, ())

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], 16 kHz."""
        encoder = self.listener.encoder.feed(pcm, state.encoder)
        state = replace(state, encoder=encoder, fresh=state.fresh + len(pcm), heard=None)
        if state.fresh < REFRESH:
            return state
        heard, draft = self.listener.hear(encoder, state.draft)
        return WhisperState(encoder, 0, draft, heard)

    def finish(self, state: WhisperState) -> Question:
        """The question, if the recording ends here."""
        heard = state.heard or self.listener.hear(state.encoder, state.draft)[0]
        question = self.understand(heard)
        if self.closing is None or not len(heard.frames):
            return question
        return replace(question, complete=self.closing(heard.frames))


class AdaptedEar(WhisperEar):
    """Whisper's states through the adapter: the language model hears, it does not read.

    Args:
        listener: Whisper.
        adapter: the trained adapter.
        tokenizer: of the language model.
        table: [V, H] its token embeddings.
        closing: judges whether a turn is complete; None: nobody does.
    """

    def __init__(
        self,
        listener: Transcriber,
        adapter: Adapter,
        tokenizer: Any,
        table: torch.Tensor,
        closing: TurnEndHead | None = None,
    ) -> None:
        super().__init__(listener, closing)
        self.adapter, self.tokenizer, self.table = adapter, tokenizer, table
        self.opening = unspaced(adapter.tokens, tokenizer)
        head = adapter.audio_feature_head.weight
        self.head: Product = exact(head) if head.shape[1] % 16 else Int8Linear.of(head)

    @torch.no_grad()
    def understand(self, heard: Transcription) -> Question:
        """What the adapter makes of a recording."""
        if not len(heard.path):
            return Question("", self.table[:0].float())
        features = self.adapter.features(heard.wide.float()[None])[0]
        checkpoint()
        features = self.adapter.pool(features, heard.path)
        log_probs = self.head(features).log_softmax(-1)
        kept, labels = self.adapter.said(log_probs)
        spelled = self.adapter.tokens[labels]
        ids = spelled[spelled >= 0].tolist()
        text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        asked = self.adapter.embed(features, log_probs, kept, self.table, self.opening)
        return Question(text, asked)


def save_adapter(adapter: Adapter, silence: torch.Tensor, path: Path) -> None:
    """Write adapter, sizes and Whisper's view of silence, atomically.

    Everything is float16 but the CTC head, two thirds of the weights: int8, a scale a label.
    """
    from safetensors.torch import save_file

    state = {**adapter.state_dict(), "silence": silence}
    head = state.pop(HEAD)
    scale = head.abs().amax(1, keepdim=True).clamp(min=1e-6) / 127
    stored = {
        name: (value.half() if value.is_floating_point() else value.int()).contiguous()
        for name, value in state.items()
    }
    stored |= {HEAD: (head / scale).round().to(torch.int8), "head_scale": scale.contiguous()}
    part = path.with_suffix(".part")
    save_file(stored, part, {"adapter": json.dumps(adapter.config.as_dict())})
    part.replace(path)


def load_adapter(path: Path) -> tuple[Adapter, torch.Tensor]:
    """What `save_adapter` wrote: the adapter (float32, frozen) and silence [1500, width]."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        config = AdapterConfig(**json.loads(file.metadata()["adapter"]))
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    silence = state.pop("silence")
    state[HEAD] *= state.pop("head_scale")
    state["tokens"] = state["tokens"].long()
    with SkipInit():
        adapter = Adapter(config, state["tokens"])
    adapter.load_state_dict(state, assign=True)
    return adapter.eval().requires_grad_(False), silence
