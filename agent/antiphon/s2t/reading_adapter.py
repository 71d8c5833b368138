"""The adapter of a language model that was not there when the ears were made.

Whisper's decoder is its CTC head, and the map between the two vocabularies its labels: both are
computed from pretrained weights when they are needed (`readings.DecoderReadings`). What is learnt
is what a piece heard in doubt tells besides the tokens it may have been.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from antiphon.errors import UserError
from antiphon.s2t.adapter import LookBack

FILE = "readings.safetensors"
KEY = "reading_adapter"
"""Of the sizes in the file's header."""


@dataclass(frozen=True)
class ReadingAdapterConfig:
    """Sizes."""

    audio: int
    """Width of a frame: `Transcription.wide`."""
    embedding: int
    """Width H of the language model."""
    width: int = 256
    """Width between."""
    heads: int = 4
    """Attention heads."""


class ReadingAdapter(nn.Module):
    """States of the pieces of a question to what is added to the embeddings of those in doubt.

    It adds nothing at first.

    Args:
        config: sizes.
        scale: root mean square of the language model's embeddings.
    """

    scale: torch.Tensor

    def __init__(self, config: ReadingAdapterConfig, scale: float = 1.0) -> None:
        super().__init__()
        self.config = config
        self.mm_projector1 = nn.Linear(config.audio, config.width)
        self.out_norm = nn.LayerNorm(config.width)
        self.lbm = LookBack(config.width, config.heads, 0.1)
        self.out = nn.Linear(config.width, config.embedding)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        """[U, audio] mean frames of all pieces to [U, H]."""
        kept = self.out_norm(self.mm_projector1(pieces))
        added: torch.Tensor = self.scale * self.out(self.lbm(kept[None], None)[0])
        return added


def save_reading_adapter(adapter: ReadingAdapter, path: Path) -> None:
    """Write an adapter in half precision, its sizes in the header, atomically."""
    part = path.with_suffix(".part")
    state = {name: value.half().contiguous() for name, value in adapter.state_dict().items()}
    save_file(state, part, {KEY: json.dumps(asdict(adapter.config))})
    part.replace(path)


def load_reading_adapter(path: Path, audio: int, embedding: int, llm: str) -> ReadingAdapter:
    """What `save_reading_adapter` wrote, frozen.

    Args:
        path: the file.
        audio: width of the recognizer's frames.
        embedding: width of the language model.
        llm: its name.

    Raises:
        UserError: The file is damaged, or for other models.
    """
    again = f"train it again (antiphon train s2t --llm {llm})."
    try:
        with safe_open(path, "pt") as file:
            config = ReadingAdapterConfig(**json.loads((file.metadata() or {})[KEY]))
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        adapter = ReadingAdapter(config)
        adapter.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} is no adapter: one from {audio} features to {embedding} is expected; {again}"
        ) from error
    if (config.audio, config.embedding) != (audio, embedding):
        raise UserError(
            f"{path} turns {config.audio} features into {config.embedding}, but the recognizer has "
            f"{audio} and {llm} {embedding}: {again}"
        )
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise UserError(f"{path} holds numbers that are not finite: {again}")
    return adapter.eval().requires_grad_(False)
