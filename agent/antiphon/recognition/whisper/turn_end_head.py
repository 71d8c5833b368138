"""Whether a turn sounds complete, judged by the states Whisper's encoder has anyway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from antiphon import weights

WINDOWS = (8, 20, 60)
"""How many of the last states (20 ms each) are averaged."""
FILE = "hearing.safetensors"


@dataclass(frozen=True)
class TurnEndConfig:
    """What the `config.json` beside the head says."""

    recognizer: str
    """The Whisper whose states it reads."""


class TurnEndHead:
    """A linear head on Whisper's last states; `antiphon train turn-end` makes it.

    Args:
        weight: [3 * width].
        bias: of the log odds.
    """

    def __init__(self, weight: torch.Tensor, bias: float) -> None:
        self.weight, self.bias = weight, bias

    @classmethod
    def load(cls, folder: Path | None = None) -> TurnEndHead:
        """The head in `folder`; None: the one that comes with the project.

        Raises:
            UserError: it is missing.
        """
        from safetensors.torch import load_file

        state = load_file((folder or weights.assets("turn-end")) / FILE)
        return cls(state["weight"].float(), float(state["bias"]))

    @classmethod
    def for_recognizer(cls, name: str) -> TurnEndHead | None:
        """The head that was trained for a recognizer; None: there is none."""
        for folder in weights.trained("turn end").values():
            if weights.read_config(folder, TurnEndConfig).recognizer == name:
                return cls.load(folder)
        return None

    def __call__(self, frames: torch.Tensor) -> float:
        """Log odds that a turn with these encoder states [T, width], T > 0, is complete."""
        return float(self.weight @ pooled_states(frames) + self.bias)


def pooled_states(frames: torch.Tensor) -> torch.Tensor:
    """[3 * width] what the head reads, of encoder states [T, width]."""
    return torch.cat([frames[-count:].mean(0) for count in WINDOWS]).float()
