"""Qwen3-ASR checkpoints in both layouts, never with random weights.

The original layout (`thinker_config`, keys `thinker.…`) is loaded by transformers' classes without
an error, and without a single weight: so it is renamed here, and every load is checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from antiphon.compute import torch_device
from antiphon.compute.packed_weights import unpacked
from antiphon.errors import UserError
from antiphon.mel import HOP, WINDOW
from antiphon.recognition.qwen3_asr import letters
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.recognition.qwen3_asr.writing import known_words

RENAMED = (
    (r"^thinker\.model\.", "model.language_model."),
    (r"^thinker\.lm_head\.", "lm_head."),
    (r"^thinker\.", "model."),
    (r"^model\.audio_tower\.proj1\.", "model.multi_modal_projector.linear_1."),
    (r"^model\.audio_tower\.proj2\.", "model.multi_modal_projector.linear_2."),
)
"""Keys of the original layout to those of transformers, applied in this order."""
ROPE = ("mrope_section", "mrope_interleaved", "interleaved", "type")
"""Fields of the original's rotary positions that a text model does not have."""
TIED = "lm_head.weight"
EXTRACTOR = "preprocessor_config.json"
"""What transformers' feature extractor reads."""
PACKED = "packed.safetensors"
"""Weights of a model trained here: transformers would take bytes for weights under its own name."""


@dataclass(frozen=True)
class Checkpoint:
    """A model and what it reads and writes in."""

    model: Any
    """transformers' Qwen3ASRForConditionalGeneration, or …ForTokenClassification (an aligner)."""
    tokenizer: Any
    marks: Marks
    hop: int = HOP
    """Samples between frames."""
    words: Any = None
    """A trie of known words (`known_words.load`); None: it knows none."""
    letters: Letters | None = None
    """Hears letters in the tower's states, in a model that was trained here."""

    @property
    def heard_weight(self) -> float:
        """What weight the tokens have that are heard, beside the language model: 0 to 1."""
        return float(getattr(self.model.config, "heard_weight", 0.0))

    def features(self) -> Features:
        """The frames that it hears."""
        audio = self.model.config.audio_config
        return Features(audio.num_mel_bins, audio.n_window_infer, self.hop)

    @property
    def aligner(self) -> bool:
        """Whether it places words instead of writing them."""
        return hasattr(self.model, "score")


def load(folder: Path) -> Checkpoint:
    """A checkpoint in the original layout or transformers', float32, on the settings' device.

    Raises:
        UserError: It has another layout, or weights are missing or left over.
    """
    from transformers import AutoTokenizer

    facts = _facts(folder)
    if "thinker_config" in facts:
        thinker = facts["thinker_config"]
        config = lifted(thinker)
        state = {renamed(name): value for name, value in _tensors(folder).items()}
        aligner = "classify_num" in thinker
    elif facts.get("model_type") == "qwen3_asr" and "audio_config" in facts:
        config = facts
        state = _tensors(folder)
        aligner = any(name.startswith("score.") for name in state)
    else:
        raise UserError(
            f"{folder} is no Qwen3-ASR: its config.json has {', '.join(sorted(facts)) or 'none'}, "
            "and thinker_config (original layout) or audio_config (transformers') was expected."
        )
    heard = None
    if "letters" in facts:
        own = {name: state.pop(name) for name in list(state) if name.startswith(letters.PART)}
        try:
            heard = letters.load(str(facts["letters"]), own)
        except ValueError as error:
            raise UserError(
                f"The letters of {folder} do not fit its config.json: {error}."
            ) from error
    model = _model(config, aligner=aligner)
    fill(model, {_score(name, aligner): value for name, value in state.items()}, folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder} has no tokenizer that can be read ({error}).") from error
    device = torch_device.chosen()
    return Checkpoint(
        model.to(device), tokenizer, Marks.of(tokenizer), hop_of(folder),
        known_words.load(folder), heard and heard.to(device),
    )  # fmt: skip


def hop_of(folder: Path) -> int:
    """Samples between frames, as the feature extractor of a folder says.

    Raises:
        UserError: What it says is no number of samples.
    """
    if not (folder / EXTRACTOR).exists():
        return HOP
    found = _facts(folder, EXTRACTOR).get("hop_length", HOP)
    if not isinstance(found, int) or not 0 < found <= WINDOW:
        raise UserError(f"hop_length in {folder / EXTRACTOR} is {found!r}: 1 to {WINDOW} samples.")
    return found


def lifted(thinker: dict[str, Any]) -> dict[str, Any]:
    """The original layout's configuration as transformers' classes take it."""
    from transformers.models.qwen3_asr import Qwen3ASREncoderConfig

    audio = dict(thinker["audio_config"])
    known = Qwen3ASREncoderConfig().to_dict()
    for alias, name in Qwen3ASREncoderConfig.attribute_map.items():
        if alias in audio and name not in audio:
            audio[name] = audio[alias]
    audio = {name: value for name, value in audio.items() if name in known}
    audio |= {"model_type": "qwen3_asr_encoder", "max_position_embeddings": 13}
    text = {
        name: value
        for name, value in thinker["text_config"].items()
        if "expert" not in name and name not in ("moe_intermediate_size", "decoder_sparse_step")
    }
    text["model_type"] = "qwen3"
    for key in ("rope_scaling", "rope_parameters"):
        if isinstance(rope := text.get(key), dict):
            kept = {name: value for name, value in rope.items() if name not in ROPE}
            if set(kept) <= {"rope_type"}:
                text.pop(key)
            else:
                text[key] = kept
    config: dict[str, Any] = {"audio_config": audio, "text_config": text}
    for name in ("audio_token_id", "initializer_range", "timestamp_token_id"):
        if thinker.get(name) is not None:
            config[name] = thinker[name]
    config["tie_word_embeddings"] = text.get("tie_word_embeddings", True)
    if "classify_num" in thinker:
        config["num_labels"] = thinker["classify_num"]
    return config


def renamed(name: str) -> str:
    """A key of the original layout as transformers' classes name it."""
    for pattern, new in RENAMED:
        name = re.sub(pattern, new, name)
    return name


def fill(model: Any, state: dict[str, torch.Tensor], folder: Path) -> None:
    """Loads every weight into a model.

    Raises:
        UserError: Weights are missing, left over, or of another shape.
    """
    wanted = model.state_dict()
    if TIED in wanted and TIED not in state and model.config.tie_word_embeddings:
        state = {**state, TIED: state.get("model.language_model.embed_tokens.weight", wanted[TIED])}
    # Positions of sound are computed; some checkpoints hold them.
    known = {name for name in wanted if "positional_embedding" not in name}
    missing = sorted(known - state.keys())
    left = sorted(name for name in state.keys() - wanted.keys() if "positional" not in name)
    wrong = [n for n in wanted.keys() & state.keys() if wanted[n].shape != state[n].shape]
    faults = {"are missing": missing, "are left over": left, "differ in shape": wrong}
    told = [f"{len(n)} weights {what} (such as {n[0]})" for what, n in faults.items() if n]
    if told:
        raise UserError(f"{folder} does not fit its config.json: {'; '.join(told)}.")
    with torch.no_grad():
        for name, value in wanted.items():
            if name in state:
                value.copy_(state[name])
    model.float().eval().requires_grad_(False)
    for name in sorted(known)[:: max(1, len(known) // 8)]:
        if not torch.equal(model.state_dict()[name], state[name].float()):
            raise UserError(f"{name} of {folder} was not loaded: the model would be random.")


def _score(name: str, aligner: bool) -> str:
    return name.replace("lm_head.", "score.") if aligner else name


def _model(config: dict[str, Any], *, aligner: bool) -> Any:
    from transformers import Qwen3ASRForConditionalGeneration, Qwen3ASRForTokenClassification
    from transformers.models.qwen3_asr import Qwen3ASRConfig

    kind = Qwen3ASRForTokenClassification if aligner else Qwen3ASRForConditionalGeneration
    try:
        return kind(Qwen3ASRConfig(**config))
    except (TypeError, ValueError, KeyError) as error:
        raise UserError(f"The config.json of this Qwen3-ASR does not fit: {error}.") from error


def _facts(folder: Path, name: str = "config.json") -> dict[str, Any]:
    try:
        return dict(json.loads((folder / name).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} has no readable {name} ({error}).") from error


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder: one file, or shards; what is packed is unpacked."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    files = sorted(folder.glob("model*.safetensors")) or sorted(folder.glob(PACKED))
    if not files:
        raise UserError(f"{folder} has no model.safetensors: fetch the checkpoint again.")
    try:
        return unpacked({name: value for file in files for name, value in load_file(file).items()})
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"The weights in {folder} are damaged ({error}): fetch them again."
        ) from error
