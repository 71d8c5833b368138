"""The alignment and the shrinking adapter: audio states to embeddings a language model reads.

Parts and parameter names are those of the public EchoX and Soundwave checkpoints
(`mm_projector1`, `asr_transformer_encoder`, `out_norm`, `audio_feature_head`, `lbm`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.packed_weights import large, packed, unpacked
from antiphon.errors import UserError
from antiphon_codecs.interruption import checkpoint
from antiphon_codecs.skip_init import SkipInit

BLANK = 0
"""The CTC label of a frame in which no token begins."""
MIXED_TOKENS = 8
"""Likeliest tokens of a frame whose embeddings are mixed."""


@dataclass(frozen=True)
class AdapterConfig:
    """Sizes and switches."""

    audio: int
    """Width of an input frame: two encoder states, and one decoder state if there is one."""
    width: int
    """Width of the language model."""
    heads: int
    """Attention heads."""
    vocabulary: int
    """CTC labels, the blank included."""
    layers: int = 2
    """Transformer layers; the public checkpoints have one."""
    dropout: float = 0.1
    """Of the transformer layers."""
    per_frame: bool = False
    """True as in the public checkpoints, whose attention sees one frame at a time."""

    def as_dict(self) -> dict[str, int | float | bool]:
        """For a file beside the weights."""
        return asdict(self)


class LookBack(nn.Module):
    """Lets every kept frame attend to the other kept frames, as the public checkpoints do."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.encoder_attn = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.atten_layer_norm = nn.LayerNorm(width)

    def forward(self, kept: torch.Tensor, ignored: torch.Tensor | None) -> torch.Tensor:
        """[B, S, width] to the same; `ignored` [B, S] is True on padding."""
        seen, _ = self.encoder_attn(kept, kept, kept, key_padding_mask=ignored, need_weights=False)
        out: torch.Tensor = self.atten_layer_norm(kept + seen)
        return out


class Adapter(nn.Module):
    """Audio frames (25 a second) to CTC labels, and to one embedding a token.

    A label is one token of the language model, or a few that spell a piece Whisper writes as one.
    A token's embedding is the mixture of the language model's own embeddings under the CTC
    posterior, plus what the look-back module adds, scaled by `gate` (0 at first). So the language
    model can read speech before it has been trained on any.

    Args:
        config: sizes.
        tokens: [vocabulary] or [vocabulary, N] language model tokens of every CTC label, -1 where
            there is none; the blank has none.
    """

    tokens: torch.Tensor

    def __init__(self, config: AdapterConfig, tokens: torch.Tensor) -> None:
        super().__init__()
        self.config = config
        self.mm_projector1 = nn.Linear(config.audio, config.width)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            2 * config.width,
            config.dropout,
            norm_first=True,
            batch_first=not config.per_frame,
        )
        self.asr_transformer_encoder = nn.TransformerEncoder(
            layer, config.layers, enable_nested_tensor=False
        )
        self.out_norm = nn.LayerNorm(config.width)
        self.audio_feature_head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.lbm = LookBack(config.width, config.heads, config.dropout)
        self.gate = nn.Parameter(torch.zeros(1))
        self.register_buffer("tokens", tokens.reshape(len(tokens), -1))

    def features(self, frames: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """[B, T, width] of frames [B, T, audio], of which `lengths` [B] are real."""
        x = self.mm_projector1(frames)
        ignored = None
        if lengths is not None and not self.config.per_frame:
            ignored = torch.arange(frames.shape[1]) >= lengths[:, None]
        if self.config.per_frame:
            x = torch.cat([self.asr_transformer_encoder(row[None]) for row in x])
        else:
            for layer in self.asr_transformer_encoder.layers:
                checkpoint()
                x = layer(x, src_key_padding_mask=ignored)
        out: torch.Tensor = self.out_norm(x)
        return out

    def log_probs(self, features: torch.Tensor) -> torch.Tensor:
        """[..., vocabulary] CTC log posteriors, float32."""
        logits: torch.Tensor = self.audio_feature_head(features)
        return logits.float().log_softmax(-1)

    def loss(
        self, log_probs: torch.Tensor, lengths: torch.Tensor, labels: list[torch.Tensor]
    ) -> torch.Tensor:
        """CTC loss a label of [B, T, vocabulary] against the labels of every row."""
        counts = torch.tensor([len(row) for row in labels])
        losses = F.ctc_loss(
            log_probs.transpose(0, 1),
            torch.cat(labels),
            lengths,
            counts,
            BLANK,
            reduction="none",
            zero_infinity=True,
        )
        return losses.sum() / counts.sum().clamp(min=1)

    def shrink(self, log_probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One frame of every run of equal labels but the blank's: the surest one.

        Args:
            log_probs: [T, vocabulary].

        Returns:
            Indices [S] of the kept frames and their labels [S].
        """
        best, labels = log_probs.max(-1)
        if not len(labels):
            return labels, labels
        starts = torch.ones_like(labels, dtype=torch.bool)
        starts[1:] = labels[1:] != labels[:-1]
        run = starts.long().cumsum(0) - 1
        surest = torch.full((int(run[-1]) + 1,), -torch.inf).scatter_reduce(0, run, best, "amax")
        candidates = (best == surest[run]).nonzero()[:, 0]
        first = torch.ones_like(candidates, dtype=torch.bool)
        first[1:] = run[candidates][1:] != run[candidates][:-1]
        kept = candidates[first]
        kept = kept[labels[kept] != BLANK]
        return kept, labels[kept]

    def pool(self, features: torch.Tensor, path: torch.Tensor) -> torch.Tensor:
        """[U, width] one state a piece; see `pool`."""
        return pool(features, path)

    def said(self, log_probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices [S] of pooled states [U, vocabulary] that are no blank, and their labels [S]."""
        labels = log_probs.argmax(-1)
        kept = (labels != BLANK).nonzero()[:, 0]
        return kept, labels[kept]

    def embed(
        self,
        features: torch.Tensor,
        log_probs: torch.Tensor,
        kept: torch.Tensor,
        table: torch.Tensor,
        opening: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Embeddings [N, width] of a recording, one a token heard.

        Args:
            features: [T, width].
            log_probs: [T, vocabulary].
            kept: [S] which of them are tokens, see `shrink` and `said`.
            table: [V, width] token embeddings of the language model.
            opening: [vocabulary] label to put for each label at the very start.
        """
        if not len(kept):
            return table[:0].float()
        sure, labels = log_probs[kept][:, 1:].topk(min(MIXED_TOKENS, log_probs.shape[1] - 1), -1)
        labels = labels + 1
        if opening is not None:
            labels[:1] = opening[labels[:1]]
        spelled = self.tokens[labels]
        several = spelled[..., 1:].ge(0).any(-1)
        weights = sure.masked_fill(several, -1e4).softmax(-1)
        mixed = (weights[..., None] * table[spelled[..., 0].clamp(min=0)].float()).sum(1)
        best = spelled[:, 0]
        owner = best.ge(0).nonzero()[:, 0]
        written = table[best[best >= 0]].float()
        embedded = torch.where(several[owner, :1], written, mixed[owner])
        added: torch.Tensor = self.lbm(features[kept][None], None)[0]
        return embedded + self.gate * added[owner]


def pool(features: torch.Tensor, path: torch.Tensor) -> torch.Tensor:
    """[U, width] one state a piece: the mean of features [T, width] by piece, path [T].

    Where it is known which piece is being said, nothing need be found by runs of labels: no stray
    frame becomes a word, what was said twice is heard twice, and the CTC head, the costliest part,
    has a sixth of the work.
    """
    _, piece, frames = path.unique_consecutive(return_inverse=True, return_counts=True)
    sums = features.new_zeros(len(frames), features.shape[1]).index_add(0, piece, features)
    return sums / frames[:, None]


def save_adapter(adapter: Adapter, silence: torch.Tensor, path: Path) -> None:
    """Write adapter, sizes and Whisper's states of silence, atomically.

    Matrices are in bytes, but the states of silence: all ears subtract what is heard in them.
    """
    from safetensors.torch import save_file

    state = {**adapter.state_dict(), "silence": silence}
    part = path.with_suffix(".part")
    kept = packed(state, lambda name, value: name != "silence" and large(name, value))
    save_file(kept, part, {"adapter": json.dumps(adapter.config.as_dict())})
    part.replace(path)


def load_adapter(path: Path) -> tuple[Adapter, torch.Tensor]:
    """What `save_adapter` wrote: the adapter (float32, frozen) and silence [1500, width].

    Raises:
        UserError: The file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            config = AdapterConfig(**json.loads(file.metadata()["adapter"]))
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = {name: value.float() for name, value in unpacked(stored).items()}
        silence = state.pop("silence")
        state["tokens"] = state["tokens"].long()
        with SkipInit():
            adapter = Adapter(config, state["tokens"])
        adapter.load_state_dict(state, assign=True)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} holds no adapter as `antiphon train s2t` writes it: train it again, or take "
            "the committed one."
        ) from error
    return adapter.eval().requires_grad_(False), silence
