"""Qwen3-ASR's audio tower: how many tokens it makes of a sound, and what attends to what.

Frames pass three strided convolutions in chunks, whose tokens have positions of their own, and the
tokens of a window of chunks attend to one another (arXiv 2601.21337, sec. 2.1). transformers counts
thirteen tokens a chunk, which is true of the public chunks of a hundred frames only; counted here,
a chunk may have any length.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from antiphon_codecs.interruption import checkpoint

STRIDE = 8
"""Frames of a token."""


def tokens(frames: int, chunk: int) -> int:
    """Tokens of so many frames that pass the convolutions in chunks."""
    full, rest = divmod(frames, chunk)
    return full * -(-chunk // STRIDE) + -(-rest // STRIDE)


def bounds(lengths: Iterable[int], chunk: int, window: int) -> torch.Tensor:
    """Where the windows of clips begin and end among the tokens of all of them.

    Args:
        lengths: frames of each clip.
        chunk: frames that pass the convolutions together.
        window: frames whose tokens attend to one another, some chunks.

    Returns:
        [windows + 1] int32, as transformers' tower takes it.
    """
    counts = [
        tokens(min(window, length - start), chunk)
        for length in lengths
        for start in range(0, length, window)
    ]
    return torch.tensor([0, *counts]).cumsum(0, dtype=torch.int32)


def states(tower: Any, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """States [tokens of all clips, width] of a batch.

    Args:
        tower: transformers' Qwen3ASREncoder.
        frames: [B, bands, T] scaled, T some chunks.
        mask: [B, T] 1 where there is sound.
    """
    chunk = 2 * tower.n_window
    within = bounds(mask.sum(-1).tolist(), chunk, max(chunk, tower.n_window_infer))
    found: torch.Tensor = tower(frames, mask, cu_seqlens=within.to(frames.device)).last_hidden_state
    return found


def heard(model: Any, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the language model is given for a batch: [tokens of all clips, its width].

    Args:
        model: transformers' model of Qwen3-ASR's architecture.
        frames: [B, bands, T] scaled, T some chunks.
        mask: [B, T] 1 where there is sound.
    """
    said = states(model.model.audio_tower, frames, mask)
    projected: torch.Tensor = model.model.multi_modal_projector(said)
    return projected


@torch.no_grad()
def encode(model: Any, window: torch.Tensor) -> torch.Tensor:
    """What a model hears in a window: projected states [N, its width].

    Args:
        model: transformers' model of Qwen3-ASR's architecture.
        window: [T, bands] scaled frames.
    """
    projected: torch.Tensor = model.model.multi_modal_projector(states_of(model, window))
    return projected


@torch.no_grad()
def states_of(model: Any, window: torch.Tensor) -> torch.Tensor:
    """The tower's states [N, its width] of a window [T, bands], before they are projected."""
    checkpoint()
    tower = model.model.audio_tower
    room = -len(window) % (2 * tower.n_window)
    mel = torch.nn.functional.pad(window, (0, 0, 0, room)).T[None].to(model.device)
    mask = (torch.arange(mel.shape[-1], device=mel.device) < len(window))[None].long()
    return states(tower, mel, mask)
