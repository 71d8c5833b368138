"""A trained model in a folder: `config.json`, and what was added to the language model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from antiphon import weights
from antiphon.compute.packed_weights import packed, unpacked
from antiphon.compute.precision import fast_bfloat16
from antiphon.errors import UserError
from antiphon.llm.tokenizer import load_tokenizer
from antiphon.llm.transformers_model import read_model
from antiphon.recognition.mome.model import MomeConfig, MomeModel

FILE = "mome.safetensors"


def fresh(config: MomeConfig, device: str | torch.device = "cpu") -> MomeModel:
    """A model that has learnt nothing yet, around its language model.

    The language model is in bfloat16, but on a processor that is slower that way.

    Raises:
        UserError: The language model has no layers that adapters could be put beside.
    """
    folder = weights.path(config.language_model)
    llm: Any = read_model(folder)
    if torch.device(device).type == "cpu" and not fast_bfloat16():
        llm = llm.float()
    if not hasattr(llm.get_decoder(), "layers"):
        raise UserError(
            f"{config.language_model} has no layers as Llama and Qwen have: choose one."
        )
    return MomeModel(llm, load_tokenizer(folder), config).to(device)


def save(model: MomeModel, folder: Path, **facts: Any) -> None:
    """Write what was added to the language model: matrices in int8, the rest in float16."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "mome", "kind": "recognizer", **asdict(model.config), **facts}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    state = packed(model.added())
    part = folder / f"{FILE}.part"
    save_file(state, part)
    part.replace(folder / FILE)


def load(folder: Path, device: str | torch.device = "cpu") -> MomeModel:
    """The model of a folder.

    Raises:
        UserError: Something is missing or does not fit.
    """
    from safetensors.torch import load_file

    config = weights.read_config(folder, MomeConfig)
    if not (folder / FILE).exists():
        raise UserError(f"There is no {folder / FILE}: train it (antiphon train mome), or copy it.")
    model = fresh(config, device)
    state = unpacked(load_file(folder / FILE))
    if state.keys() != model.added().keys() or any(
        state[name].shape != value.shape for name, value in model.added().items()
    ):
        raise UserError(
            f"{folder / FILE} does not fit its config.json and {config.language_model}: "
            "copy both again."
        )
    model.load_state_dict(state, strict=False)
    model.eval().requires_grad_(False)
    return model
