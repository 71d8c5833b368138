"""Pictures of a mouth to states, 25 a second: what stands here for AV-HuBERT.

It is far smaller than that, and has only seen drawn mouths. Its first convolution spans five
pictures; others shrink each picture to a vector; the last ones look at its neighbours in time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from antiphon import weights
from antiphon.errors import UserError

FILE = "lips.safetensors"


@dataclass(frozen=True)
class LipConfig:
    """Sizes."""

    width: int = 128
    """Of a state."""
    channels: int = 24
    """Of the first convolution; each of the three after it has twice as many as the one before."""
    blocks: int = 4
    """That look at neighbours in time."""
    reach: int = 3
    """Pictures on either side that each of them looks at."""
    visemes: int = 14
    """That it is trained to tell apart."""

    @property
    def sight(self) -> int:
        """Pictures on either side that a state depends on."""
        return 2 + self.blocks * self.reach


class TimeBlock(nn.Module):
    """A convolution over time and a perceptron around a shortcut (as in ConvNeXt).

    Args:
        width: of the states.
        reach: states on either side that it looks at.
    """

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 2 * reach + 1, padding=reach, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T, width] to the same shape."""
        y = self.norm(self.conv(x.transpose(1, 2)).transpose(1, 2))
        y = self.down(F.gelu(self.up(y)))
        return x + y


class LipEncoder(nn.Module):
    """Reads lips.

    Args:
        config: sizes.
    """

    def __init__(self, config: LipConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [config.channels * 2**i for i in range(4)]
        self.front = nn.Conv3d(1, sizes[0], 5, (1, 2, 2), 2)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(sizes))
        self.proj = nn.Linear(sizes[-1], config.width)
        self.blocks = nn.ModuleList(
            TimeBlock(config.width, config.reach) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.visemes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """States [B, T, width] of pictures [B, T, SIZE, SIZE], brightness 0 to 1.

        Each picture is seen relative to its own mean and contrast, so light matters little.
        """
        count = pictures.shape[1]
        mean = pictures.mean((2, 3), keepdim=True)
        contrast = pictures.std((2, 3), keepdim=True) + 0.02
        x = F.gelu(self.front(((pictures - mean) / contrast)[:, None]))
        x = x.transpose(1, 2).flatten(0, 1)
        for conv in self.shrink:
            x = F.gelu(conv(x))
        x = self.proj(x.mean((2, 3))).unflatten(0, (-1, count))
        for block in self.blocks:
            x = block(x)
        out: torch.Tensor = self.norm(x)
        return out


def save(encoder: LipEncoder, folder: Path, **facts: Any) -> None:
    """Write an encoder, in float16."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {"kind": "lip encoder", **asdict(encoder.config), **facts}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    save_file({k: v.half().contiguous() for k, v in encoder.state_dict().items()}, folder / FILE)


def load(name: str | Path) -> LipEncoder:
    """The encoder of a name or folder, frozen.

    Raises:
        UserError: Something is missing or does not fit.
    """
    from safetensors.torch import load_file

    folder = weights.trained("lip encoder").get(str(name)) or Path(name)
    encoder = LipEncoder(weights.read_config(folder, LipConfig))
    if not (folder / FILE).exists():
        raise UserError(f"There is no {folder / FILE}: train it (antiphon train lips), or copy it.")
    try:
        encoder.load_state_dict(load_file(folder / FILE))
    except RuntimeError as error:
        raise UserError(
            f"{folder / FILE} does not fit its config.json: copy both again."
        ) from error
    return encoder.eval().requires_grad_(False)
