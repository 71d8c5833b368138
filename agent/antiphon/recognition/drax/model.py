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
KNOWN = 0.6
"""How much what is heard at a position counts beside what the blocks make of it, to begin with."""
HASTE = 20.0
"""How much faster the few numbers that say where to look are learnt than all others."""
NEAR, FURTHEST = 0.6, 8
"""How fast, in squared positions, and until where attention to frames falls with their distance."""


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
    from_whisper: bool = False
    """Whether blocks are those of a Whisper decoder: with biases and learned positions, without a
    projection of the audio, reading at each position the tokens before it. All that follows is not
    in the public checkpoint."""
    prompt: int = 2
    """Tokens in front of a text `from_whisper`."""
    cut_positions: bool = False
    """Whether it is told what the middle found: at which position each frame is said, and what is
    heard there."""


@dataclass(frozen=True)
class Memory:
    """What the decoder knows of the audio, computed once for all steps and candidates."""

    sources: Sequence[tuple[torch.Tensor, torch.Tensor]]
    """Keys and values [B, heads, S, d], a pair a block."""
    places: torch.Tensor | None = None
    """[B, S] the position at which each frame is said."""
    said: torch.Tensor | None = None
    """[B, L', width] what is heard at positions; nothing behind the last."""
    draft: torch.Tensor | None = None
    """[B, L'] the likeliest tokens there."""


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
        if config.from_whisper:
            self.prompt_embed = nn.Parameter(torch.zeros(config.prompt, width))
            self.positions = nn.Parameter(torch.zeros(config.prompt + config.length, width))
        else:
            self.audio_proj = nn.Sequential(
                nn.Linear(config.whisper_dim, width), nn.GELU(), nn.Linear(width, width)
            )
        if config.cut_positions:
            self.said_gate = nn.Linear(config.cond_dim, width)
            nn.init.zeros_(self.said_gate.weight)
            nn.init.constant_(self.said_gate.bias, KNOWN)
        self.preserve_embeddings = nn.Embedding(2, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_blocks))
        self.output_layer = OutputLayer(config)
        nn.init.normal_(self.vocab_embed.weight, std=0.02)
        nn.init.zeros_(self.preserve_embeddings.weight)

    @property
    def layers(self) -> list[Block]:
        """The blocks."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def listen(
        self,
        audio: torch.Tensor,
        places: torch.Tensor | None = None,
        said: torch.Tensor | None = None,
        draft: torch.Tensor | None = None,
    ) -> Memory:
        """What of encoder states serves all steps and candidates.

        Args:
            audio: [B, S, whisper_dim].
            places: see `Memory`; needed if the model was made for it, as `said` is.
            said: see `Memory`.
            draft: see `Memory`.
        """
        heard = audio if self.config.from_whisper else self.audio_proj(audio)
        sources = [block.listen(heard) for block in self.layers]
        if not self.config.cut_positions:
            return Memory(sources)
        return Memory(sources, places, said, draft)

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
        config, length = self.config, tokens.shape[1]
        embed = self.vocab_embed.weight
        x = tokens @ embed if tokens.is_floating_point() else F.embedding(tokens, embed)
        if preserve is not None:
            x = x + self.preserve_embeddings(preserve.long())
        first, turn = 0, None
        if config.from_whisper:
            first = config.prompt - 1
            if memory.draft is not None:  # which is right more often than what is still noise
                clean = time[:, None].square().expand(-1, length)
                if preserve is not None:
                    clean = torch.where(preserve, 1.0, clean)
                x = torch.lerp(self._draft(memory.draft, length), x, clean[..., None])
            prompt = self.prompt_embed.expand(len(x), -1, -1)
            x = torch.cat([prompt, x[:, :-1]], 1) + self.positions[: first + length]
        else:
            places = torch.arange(length, dtype=torch.float32)[None]
            turn = rotation(places, config.hidden_size // config.n_heads)
        condition = F.silu(self.time_embedding(time))
        known: torch.Tensor | float = 0.0
        if memory.said is not None:
            said = memory.said[:, :length]
            said = F.pad(said, (0, 0, 0, length - said.shape[1]))
            known = said * self.said_gate(condition)[:, None]
        at = torch.arange(first + length) - first
        for block, source in zip(self.layers, memory.sources, strict=True):
            checkpoint()
            mask = block.nearness(condition, at, memory.places, heard)
            x = block(x, condition, turn, source, mask)
        logits: torch.Tensor = self.output_layer(x[:, first:], condition, known)
        return logits

    def _draft(self, draft: torch.Tensor, length: int) -> torch.Tensor:
        """Embeddings [B, length, width] of tokens [B, L'], end marks behind them."""
        draft = draft[:, :length]
        end = self.config.vocab_size - 1
        return F.embedding(
            F.pad(draft, (0, length - draft.shape[1]), value=end), self.vocab_embed.weight
        )


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
        width, bias = config.hidden_size, config.from_whisper
        self.heads, self.dropout = config.n_heads, config.dropout
        self.norm1 = nn.LayerNorm(width, bias=bias)
        self.qw, self.vw, self.attn_out = (nn.Linear(width, width, bias=bias) for _ in range(3))
        self.kw = nn.Linear(width, width, bias=False)
        self.norm_cross = nn.LayerNorm(width, bias=bias)
        self.norm_audio = nn.Identity() if bias else nn.LayerNorm(width, bias=False)
        self.q_cross, self.v_cross, self.cross_out = (
            nn.Linear(width, width, bias=bias) for _ in range(3)
        )
        self.k_cross = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width, bias=bias)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width)
        )
        self.adaLN_modulation = nn.Linear(config.cond_dim, 9 * width)
        nn.init.zeros_(self.adaLN_modulation.weight)
        nn.init.zeros_(self.adaLN_modulation.bias)
        if config.cut_positions:
            self.near = nn.Linear(config.cond_dim, 2 * config.n_heads)
            nn.init.zeros_(self.near.weight)
            nn.init.zeros_(self.near.bias)

    def listen(self, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of projected audio [B, S, width]."""
        x = self.norm_audio(audio)
        return self._split(self.k_cross(x)), self._split(self.v_cross(x))

    def nearness(
        self,
        condition: torch.Tensor,
        at: torch.Tensor,
        places: torch.Tensor | None,
        heard: torch.Tensor | None,
    ) -> torch.Tensor | None:
        """What is added to the scores of cross-attention [B, heads, L, S].

        The further a frame's place is from a position the less is seen of it; each head learns
        how much less at which time, and which frames before or behind its own it looks for.
        """
        far = None
        if places is not None:
            steep, shift = (HASTE * self.near(condition)[..., None, None]).chunk(2, 1)
            centre = at[:, None] + 0.5 + shift
            far = (places[:, None, None] - centre).square().clamp(max=FURTHEST**2)
            far = -NEAR * F.softplus(steep) * far
        if heard is None:
            return far
        silent = torch.zeros(heard.shape).masked_fill(~heard, -torch.inf)[:, None, None]
        return silent if far is None else far + silent

    def forward(
        self,
        x: torch.Tensor,
        condition: torch.Tensor,
        turn: torch.Tensor | None,
        source: tuple[torch.Tensor, torch.Tensor],
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """[B, L, width] to the same."""
        parts = self.adaLN_modulation(condition)[:, None].chunk(9, -1)
        y = modulated(self.norm1(x), parts[0], parts[1])
        query, key = (self._split(w(y)) for w in (self.qw, self.kw))
        if turn is not None:
            query, key = rotated(query, turn), rotated(key, turn)
        mixed = self._attend(query, key, self._split(self.vw(y)), causal=turn is None)
        x = x + parts[2] * self.attn_out(mixed)
        query = self._split(self.q_cross(modulated(self.norm_cross(x), parts[3], parts[4])))
        keys, values = (part.expand(len(x), -1, -1, -1) for part in source)
        x = x + parts[5] * self.cross_out(self._attend(query, keys, values, mask))
        y = self.mlp(modulated(self.norm2(x), parts[6], parts[7]))
        return x + parts[8] * y

    def _attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None = None,
        *,
        causal: bool = False,
    ) -> torch.Tensor:
        drop = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, mask, drop, is_causal=causal)
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class OutputLayer(nn.Module):
    """Modulated norm and logits; starts at zero."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(config.hidden_size, bias=config.from_whisper)
        self.linear = nn.Linear(config.hidden_size, config.vocab_size)
        self.adaLN_modulation = nn.Linear(config.cond_dim, 2 * config.hidden_size)
        for layer in (self.linear, self.adaLN_modulation):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor, known: torch.Tensor | float = 0.0
    ) -> torch.Tensor:
        """Logits [B, L, vocab_size] of what is made of x, and of what was known before."""
        shift, scale = self.adaLN_modulation(condition)[:, None].chunk(2, -1)
        logits: torch.Tensor = self.linear(modulated(self.norm_final(x), shift, scale) + known)
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
