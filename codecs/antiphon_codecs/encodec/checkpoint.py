"""EnCodec checkpoints as Meta's `encodec` package publishes them, such as encodec_24khz-*.th.

Such a file is the state dict of `encodec.EncodecModel`: the same tensors that transformers has,
under other names. https://github.com/facebookresearch/encodec
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from transformers import EncodecConfig, EncodecModel

from antiphon.errors import UserError

SUFFIX = ".th"

# `encodec` wraps each convolution once more than transformers does, and normalises its weight with
# the older of PyTorch's two implementations of weight norm.
RENAMED = (
    ("encoder.model.", "encoder.layers."),
    ("decoder.model.", "decoder.layers."),
    (".conv.conv.", ".conv."),
    (".convtr.convtr.", ".conv."),
    ("quantizer.vq.layers.", "quantizer.layers."),
    ("._codebook.", ".codebook."),
    (".conv.weight_g", ".conv.parametrizations.weight.original0"),
    (".conv.weight_v", ".conv.parametrizations.weight.original1"),
)


def find(source: str | Path) -> Path | None:
    """Returns the checkpoint that `source` is or, if it is a folder, holds; None: there is none."""
    path = Path(source)
    if path.suffix == SUFFIX and path.is_file():
        return path
    if path.is_dir() and not (path / "config.json").exists():
        return next(iter(sorted(path.glob(f"*{SUFFIX}"))), None)
    return None


def load(path: Path, config: EncodecConfig | None = None) -> EncodecModel:
    """Returns the model of a checkpoint.

    Args:
        path: What `torch.save` wrote. Only tensors are read from it; no code in it is run.
        config: Its sizes; by default those of the 24 kHz model.

    Raises:
        UserError: The file cannot be read, or is not the checkpoint of such a model.
    """
    try:
        data = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror or error}).") from error
    try:
        held = torch.load(data, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, LookupError, ValueError, UnpicklingError) as error:
        raise UserError(
            f"'{path}' is no PyTorch checkpoint, or was cut short: fetch it again."
        ) from error
    model = EncodecModel(config or EncodecConfig())
    try:
        model.load_state_dict(renamed(held))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise UserError(
            f"'{path}' is no checkpoint of the 24 kHz EnCodec: use encodec_24khz-d7cc33bc.th."
        ) from error
    return model


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns the state dict with transformers' names in place of encodec's."""
    found = {}
    for name, tensor in state.items():
        for old, new in RENAMED:
            name = name.replace(old, new)
        found[name] = tensor
    return found
