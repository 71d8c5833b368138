"""Drax checkpoints: the public layout of `aiola/drax-v1`, and the small one trained here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from antiphon.compute.packed_weights import packed, unpacked
from antiphon.errors import UserError
from antiphon.recognition.drax.middle import CtcMiddle, MiddleConfig
from antiphon.recognition.drax.model import DecoderConfig, DraxDecoder
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.layers import WhisperConfig
from antiphon_codecs.skip_init import SkipInit

LANGUAGES = ("en", "it", "pt", "de", "fr", "es", "ja", "zh")
"""That drax-v1 was trained on."""
FILE = "model.safetensors"
PACKED = (".mlp.", "middle.")
"""Matrices of a model trained here that are stored in bytes, a scale a row."""
BUFFERS = frozenset({"rotary_emb.inv_freq"})
"""Tensors of the public file that follow from the sizes."""


class DraxModel(nn.Module):
    """The small model: decoder and middle.

    Args:
        decoder: sizes of the decoder.
        middle: sizes of the middle.
    """

    kept: torch.Tensor

    def __init__(self, decoder: DecoderConfig, middle: MiddleConfig) -> None:
        super().__init__()
        self.decoder, self.middle = DraxDecoder(decoder), CtcMiddle(middle)
        self.register_buffer("kept", torch.arange(middle.vocabulary))

    @property
    def end(self) -> int:
        """The end mark, which also fills the canvas behind the text."""
        return self.decoder.config.vocab_size - 1

    def share(self, table: torch.Tensor, end: int) -> None:
        """Read and write tokens by Whisper's own embeddings, which are not learnt.

        Args:
            table: [ids, width] of Whisper.
            end: its end mark.
        """
        rows = table[torch.cat([self.kept, torch.tensor([end])])].detach().clone()
        shared = nn.Parameter(rows, requires_grad=False)
        self.decoder.vocab_embed.weight = self.decoder.output_layer.linear.weight = shared
        self.middle.head.weight = nn.Parameter(rows[:-1], requires_grad=False)


SHARED = frozenset(
    {"decoder.vocab_embed.weight", "decoder.output_layer.linear.weight", "middle.head.weight"}
)
"""What a model with `from_whisper` takes from Whisper's file (`DraxModel.share`)."""


@dataclass(frozen=True)
class SmallConfig:
    """What `config.json` beside a model trained here says."""

    model_type: str
    whisper: str
    """The Whisper whose encoder states it takes."""
    decoder_config: dict[str, Any]
    middle_config: dict[str, Any]


def small(
    width: int = 384, blocks: int = 4, vocabulary: int = 1024, audio: int = 768, heads: int = 6,
    *, from_whisper: bool = True,
) -> DraxModel:  # fmt: skip
    """The model that is trained here, with random weights; by default as large as Whisper tiny."""
    decoder = DecoderConfig(
        vocab_size=vocabulary + 1,
        hidden_size=width,
        whisper_dim=audio // 2,
        n_heads=heads,
        n_blocks=blocks,
        dropout=0.1,
        length=96,
        from_whisper=from_whisper,
        cut_positions=True,
    )
    middle = MiddleConfig(audio, vocabulary, width, heads, layers=1, blocks=2)
    return DraxModel(decoder, middle)


def save(model: DraxModel, whisper: str, folder: Path, **facts: Any) -> None:
    """Writes a model trained here, in float16 but for what is packed into bytes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "drax",
        "kind": "recognizer",
        "whisper": whisper,
        "decoder_config": asdict(model.decoder.config),
        "middle_config": asdict(model.middle.config),
        **facts,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    left = SHARED if model.decoder.config.from_whisper else frozenset()
    state = {name: value for name, value in model.state_dict().items() if name not in left}

    def chosen(name: str, value: torch.Tensor) -> bool:
        return value.ndim == 2 and any(part in name for part in PACKED)

    save_file(packed(state, chosen), folder / FILE)


def load_small(folder: Path) -> tuple[DraxModel, str]:
    """A model trained here, and the Whisper it hears with.

    One that reads Whisper's embeddings is complete after `DraxModel.share`.

    Raises:
        UserError: Something is missing or does not fit.
    """
    config = _config(folder)
    if "middle_config" not in config or "whisper" not in config:
        raise UserError(
            f"{folder} is no Drax that was trained here: its config.json has no middle_config."
        )
    model = DraxModel(
        _known(DecoderConfig, config["decoder_config"]),
        _known(MiddleConfig, config["middle_config"]),
    )
    _fill(model, folder / FILE, SHARED if model.decoder.config.from_whisper else frozenset())
    return model, str(config["whisper"])


def is_public(folder: Path) -> bool:
    """Whether a folder has the layout of `aiola/drax-v1`."""
    return "whisper_config" in _config(folder)


def load_public(folder: Path) -> tuple[DraxDecoder, AudioEncoder]:
    """Decoder and Whisper encoder of the public layout.

    Raises:
        UserError: Something is missing or does not fit.
    """
    config = _config(folder)
    if not {"decoder_config", "whisper_config"} <= config.keys():
        raise UserError(
            f"{folder} is no Drax checkpoint: its config.json has {', '.join(sorted(config))}, "
            "and decoder_config and whisper_config were expected."
        )
    sizes = _known(DecoderConfig, config["decoder_config"])
    if sizes.masked:
        raise UserError(f"{folder} has a masked source, which is not supported: only uniform is.")
    with SkipInit():
        decoder = DraxDecoder(sizes)
        encoder = AudioEncoder(_known(WhisperConfig, config["whisper_config"]))
    _fill(decoder, folder / "decoder.safetensors")
    _fill(encoder, folder / "encoder.safetensors")
    return decoder, encoder


def spoken_languages(folder: Path) -> tuple[str, ...]:
    """Codes of the languages of a public checkpoint; those of drax-v1 if it does not say."""
    found = _config(folder)["decoder_config"].get("support_language_codes", LANGUAGES)
    return tuple(str(code) for code in found)


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} has no readable config.json ({error}).") from error
    return dict(found)


def _known(kind: Any, values: dict[str, Any]) -> Any:
    names = {each.name for each in fields(kind)}
    try:
        return kind(**{name: value for name, value in values.items() if name in names})
    except TypeError as error:
        raise UserError(f"config.json does not fit {kind.__name__}: {error}.") from error


def _fill(module: nn.Module, file: Path, absent: frozenset[str] = frozenset()) -> None:
    """Loads every tensor of a file (.safetensors, or the same name in .bin), none left over."""
    from safetensors.torch import load_file

    if file.exists():
        state = load_file(file)
    elif file.with_suffix(".bin").exists():
        state = torch.load(file.with_suffix(".bin"), map_location="cpu", weights_only=True)
    else:
        raise UserError(f"There is no {file}: fetch the checkpoint again.")
    state = {name: value for name, value in unpacked(state).items() if name not in BUFFERS}
    state |= {name: value for name, value in module.state_dict().items() if name in absent}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:400]
        raise UserError(f"{file} does not fit its config.json: {reason}") from error
    module.eval().requires_grad_(False)
