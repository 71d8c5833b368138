"""Drax's decoder: a diffusion transformer over a canvas of tokens, conditioned on audio.

Parameter names are those of the public checkpoint `aiola/drax-v1`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from antiphon_codecs.interruption import checkpoint

TIME_FEATURES = 256
ROPE_BASE = 10_000.0


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes, under the names of the public checkpoint's `decoder_config`."""

    vocab_size: int = 51_866
    hidden_size: int = 1280
    cond_dim: int = 128
    whisper_dim: int = 1280
    n_heads: int = 20
    n_blocks: int = 16
    dropout: float = 0.0
    length: int = 128
    """Positions of the canvas."""
    masked: bool = False
    """Whether the source is a mask token; False: it is uniform. Only that is supported."""
    cut_positions: bool = False
    """Whether cross-attention turns keys by the position that each frame is said at (not in the
    public checkpoint)."""


Memory = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values [B, heads, S, d] of the audio, a pair a block."""


class DraxDecoder(nn.Module):
    """Logits of the clean tokens, given noisy tokens, the time and the audio.

    Args:
        config: sizes.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.vocab_embed = nn.Embedding(config.vocab_size, width)
        self.time_embedding = TimeEmbedding(config.cond_dim)
        self.audio_proj = nn.Sequential(
            nn.Linear(config.whisper_dim, width), nn.GELU(), nn.Linear(width, width)
        )
        self.preserve_embeddings = nn.Embedding(2, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_blocks))
        self.output_layer = OutputLayer(config)
        nn.init.normal_(self.vocab_embed.weight, std=0.02)
        nn.init.zeros_(self.preserve_embeddings.weight)

    @property
    def layers(self) -> list[Block]:
        """The blocks."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def listen(self, audio: torch.Tensor, places: torch.Tensor | None = None) -> Memory:
        """Keys and values of encoder states, computed once for all steps and candidates.

        Args:
            audio: [B, S, whisper_dim].
            places: [B, S] the position at which each state is said, if the model was made for it.
        """
        heard = self.audio_proj(audio)
        turn = None
        if self.config.cut_positions and places is not None:
            turn = rotation(places, self.config.hidden_size // self.config.n_heads)
        return [block.listen(heard, turn) for block in self.layers]

    def forward(
        self,
        tokens: torch.Tensor,
        time: torch.Tensor,
        memory: Memory,
        heard: torch.Tensor | None = None,
        preserve: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits [B, L, vocab_size].

        Args:
            tokens: [B, L] ids, or [B, L, vocab_size] weights of tokens.
            time: [B] in [0, 1]; 0 is noise.
            memory: of `listen`, for B clips or for one.
            heard: [B, S] False where there is no audio; None: all of it is.
            preserve: [B, L] True where tokens are clean and stay; None: nowhere is.
        """
        embed = self.vocab_embed.weight
        x = tokens @ embed if tokens.is_floating_point() else F.embedding(tokens, embed)
        if preserve is not None:
            x = x + self.preserve_embeddings(preserve.long())
        condition = F.silu(self.time_embedding(time))
        places = torch.arange(tokens.shape[1], dtype=torch.float32)[None]
        turn = rotation(places, self.config.hidden_size // self.config.n_heads)
        middle = rotation(places + 0.5, self.config.hidden_size // self.config.n_heads)
        mask = None if heard is None else heard[:, None, None]
        for block, source in zip(self.layers, memory, strict=True):
            checkpoint()
            x = block(x, condition, turn, middle, source, mask)
        logits: torch.Tensor = self.output_layer(x, condition)
        return logits


class TimeEmbedding(nn.Module):
    """Sinusoids of the time, cosines first, through two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, time: torch.Tensor) -> torch.Tensor:
        """[B, width] of times [B]."""
        half = TIME_FEATURES // 2
        rates = torch.exp(-math.log(10_000.0) * torch.arange(half) / half)
        angles = time[:, None].float() * rates
        found: torch.Tensor = self.mlp(torch.cat([angles.cos(), angles.sin()], -1))
        return found


class Block(nn.Module):
    """Self-attention, attention to the audio and feed-forward, each modulated by the time."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads, self.dropout = config.n_heads, config.dropout
        self.cut_positions = config.cut_positions
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.qw, self.kw, self.vw, self.attn_out = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.norm_cross = nn.LayerNorm(width, bias=False)
        self.norm_audio = nn.LayerNorm(width, bias=False)
        self.q_cross, self.k_cross, self.v_cross, self.cross_out = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width)
        )
        self.adaLN_modulation = nn.Linear(config.cond_dim, 9 * width)
        nn.init.zeros_(self.adaLN_modulation.weight)
        nn.init.zeros_(self.adaLN_modulation.bias)

    def listen(
        self, audio: torch.Tensor, turn: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of projected audio [B, S, width]."""
        x = self.norm_audio(audio)
        keys = self._split(self.k_cross(x))
        return keys if turn is None else rotated(keys, turn), self._split(self.v_cross(x))

    def forward(
        self,
        x: torch.Tensor,
        condition: torch.Tensor,
        turn: torch.Tensor,
        middle: torch.Tensor,
        source: tuple[torch.Tensor, torch.Tensor],
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """[B, L, width] to the same."""
        parts = self.adaLN_modulation(condition)[:, None].chunk(9, -1)
        y = modulated(self.norm1(x), parts[0], parts[1])
        query, key = (rotated(self._split(w(y)), turn) for w in (self.qw, self.kw))
        mixed = self._attend(query, key, self._split(self.vw(y)), None)
        x = x + parts[2] * self.attn_out(mixed)
        query = self._split(self.q_cross(modulated(self.norm_cross(x), parts[3], parts[4])))
        if self.cut_positions:
            query = rotated(query, middle)
        keys, values = (part.expand(len(x), -1, -1, -1) for part in source)
        x = x + parts[5] * self.cross_out(self._attend(query, keys, values, mask))
        y = self.mlp(modulated(self.norm2(x), parts[6], parts[7]))
        return x + parts[8] * y

    def _attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        drop = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=drop)
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class OutputLayer(nn.Module):
    """Modulated norm and logits; starts at zero."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(config.hidden_size, bias=False)
        self.linear = nn.Linear(config.hidden_size, config.vocab_size)
        self.adaLN_modulation = nn.Linear(config.cond_dim, 2 * config.hidden_size)
        for layer in (self.linear, self.adaLN_modulation):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Logits [B, L, vocab_size]."""
        shift, scale = self.adaLN_modulation(condition)[:, None].chunk(2, -1)
        logits: torch.Tensor = self.linear(modulated(self.norm_final(x), shift, scale))
        return logits


def modulated(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """What adaptive layer norm makes of a normalized x."""
    return x * (1 + scale) + shift


def rotation(places: torch.Tensor, size: int) -> torch.Tensor:
    """Angles [B, 1, S, size] by which heads of that size are turned at places [B, S] (RoPE)."""
    rates = ROPE_BASE ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = places.float()[..., None] * rates
    return torch.cat([angles, angles], -1)[:, None]


def rotated(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Heads [B, heads, S, size] turned by angles, halves as pairs."""
    first, second = x.chunk(2, -1)
    return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()
