"""What a piece of a word that was heard in doubt may have been, as one embedding."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch.nn import functional as F

from antiphon.compute.onnx_graph import Graph
from antiphon.recognition.whisper.text_decoder import TextDecoder
from antiphon.recognition.whisper.transcriber import Transcriber, Transcription
from antiphon.s2t.adapter import Adapter, pool
from antiphon.s2t.ctc_labels import unspaced
from antiphon.s2t.reading_adapter import ReadingAdapter
from antiphon_codecs.interruption import checkpoint

CANDIDATES = 8
"""Tokens of Whisper's that a piece in doubt may have been."""


class Readings(Protocol):
    """Reads pieces that are in doubt."""

    def read(self, heard: Transcription, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """What pieces may have been.

        Args:
            heard: the whole question.
            rows: of the pieces in doubt.

        Returns:
            Which of `rows` can be read as one token [N], and what each is read as [N, H].
        """


class AdapterReadings:
    """As the trained adapter reads them: from the sound and the decoder's states.

    Args:
        adapter: trained for the recognizer and the language model.
        tokenizer: of the language model.
        embeddings: [V, H] its token embeddings.
    """

    def __init__(self, adapter: Adapter, tokenizer: Any, embeddings: torch.Tensor) -> None:
        self.adapter, self.embeddings = adapter, embeddings
        self.opening = unspaced(adapter.tokens, tokenizer)
        graph, head = Graph(), adapter.audio_feature_head.weight
        logits = graph.rounded_product("x", head)
        self.head = graph.session({"x": ("pieces", head.shape[1])}, [logits])

    def read(self, heard: Transcription, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Readings.read`."""
        features = self.adapter.features(heard.wide.float()[None])[0]
        checkpoint()
        said = heard.path.unique_consecutive()
        pooled = self.adapter.pool(features, heard.path)[
            torch.searchsorted(said, torch.tensor(rows))
        ]
        (logits,) = self.head.run(None, {"x": pooled.detach().numpy()})
        log_probs = torch.from_numpy(logits).log_softmax(-1)
        kept, labels = self.adapter.said(log_probs)
        kept = kept[(self.adapter.tokens[labels] >= 0).sum(1) == 1]
        opening = self.opening if len(kept) and rows[int(kept[0])] == 0 else None
        return kept, self.adapter.embed(pooled, log_probs, kept, self.embeddings, opening)


class DecoderReadings:
    """As Whisper's decoder may have written them, for a language model without an adapter.

    Both vocabularies are byte pairs and share most of their strings, so what the decoder held
    likely is a mixture of the language model's own embeddings. Nothing is trained.

    Args:
        transcriber: Whisper.
        tokenizer: of the language model.
        embeddings: [V, H] its token embeddings.
    """

    def __init__(self, transcriber: Transcriber, tokenizer: Any, embeddings: torch.Tensor) -> None:
        self.decoder: TextDecoder = transcriber.decoder
        self.embeddings = embeddings
        own: dict[str, int] = tokenizer.get_vocab()
        pieces = [transcriber.piece(token) for token in range(self.decoder.end)]
        self.tokens = torch.tensor([own.get(piece, -1) for piece in pieces])
        """[W] the language model's token of the same letters as each of Whisper's; -1: none."""
        self.ids = own

    def read(self, heard: Transcription, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Readings.read`; what was written is not among what it may have been instead."""
        known = len(self.tokens)
        logits = F.linear(heard.words[rows].float(), self.decoder.embed_tokens.weight)[:, :known]
        logits = logits + self.decoder.allowed[:known]
        written = torch.tensor([self.ids.get(heard.pieces[row], -1) for row in rows])
        others = (self.tokens >= 0) & (self.tokens != written[:, None])
        likely, at = logits.masked_fill(~others, -torch.inf).topk(min(CANDIDATES, known), -1)
        embeddings = self.embeddings[self.tokens[at].clamp(min=0)].float()
        return torch.arange(len(rows)), (likely.softmax(-1)[..., None] * embeddings).sum(1)


class TrainedReadings(DecoderReadings):
    """The same, and what the sound of a piece tells besides (`antiphon train s2t --llm`).

    Args:
        transcriber: Whisper.
        tokenizer: of the language model.
        embeddings: [V, H] its token embeddings.
        adapter: trained for both.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        tokenizer: Any,
        embeddings: torch.Tensor,
        adapter: ReadingAdapter,
    ) -> None:
        super().__init__(transcriber, tokenizer, embeddings)
        self.adapter = adapter

    def read(self, heard: Transcription, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Readings.read`."""
        known, mixed = super().read(heard, rows)
        said = heard.path.long().unique_consecutive()
        frames = pool(heard.wide.float(), heard.path.long())
        at = torch.searchsorted(said, torch.tensor(rows)).clamp(max=len(said) - 1)
        return known, mixed + self.adapter(frames)[at][known]
