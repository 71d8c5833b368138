"""A small Qwen3-ASR before it has learned anything: sizes, tokenizer and weights to start from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.packed_weights import packed
from antiphon.recognition.qwen3_asr.checkpoint import PACKED, TIED
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import SPECIALS, english_name
from antiphon.recognition.qwen3_asr.tower import STRIDE
from antiphon.recognition.whisper.audio_encoder import AudioEncoder

UNSURE = 0.1
"""Scale of what the projector says at first: what is surely wrong is hard to change."""


@dataclass(frozen=True)
class Size:
    """Sizes of a model."""

    d_model: int = 512
    """Width of the audio tower: that of its teacher, whose layers it starts from."""
    encoder_layers: int = 6
    encoder_attention_heads: int = 8
    encoder_ffn_dim: int = 2048
    downsample_hidden_size: int = 64
    hidden_size: int = 384
    """Width of the language model."""
    num_hidden_layers: int = 4
    num_attention_heads: int = 6
    num_key_value_heads: int = 3
    intermediate_size: int = 1152
    vocabulary: int = 1536
    """Pieces of text, special tokens included."""
    bands: int = 80
    hop: int = 40
    """Samples between frames: a token of eight frames is 20 ms, as a state of Whisper is."""
    window: int = 4800
    """Frames (12 s) that pass the convolutions together and whose tokens attend to one another."""

    def features(self) -> Features:
        """The frames that it hears."""
        return Features(self.bands, self.window, self.hop)


def config(size: Size, tokenizer: Any) -> Any:
    """The configuration of a size, as transformers takes it."""
    from transformers.models.qwen3_asr import Qwen3ASRConfig

    sizes = asdict(size)
    names = ("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim")
    audio = {name: sizes[name] for name in (*names, "downsample_hidden_size")}
    audio |= {
        "model_type": "qwen3_asr_encoder", "num_mel_bins": size.bands,
        "output_dim": size.hidden_size, "n_window": size.window // 2,
        "n_window_infer": size.window, "max_position_embeddings": -(-size.window // STRIDE),
    }  # fmt: skip
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    text = {name: sizes[name] for name in (*names, "intermediate_size")}
    text |= {
        "model_type": "qwen3", "vocab_size": len(tokenizer), "tie_word_embeddings": True,
        "head_dim": size.hidden_size // size.num_attention_heads, "max_position_embeddings": 4096,
    }  # fmt: skip
    ids = tokenizer.convert_tokens_to_ids
    return Qwen3ASRConfig(
        audio_config=audio,
        text_config=text,
        audio_token_id=ids("<|audio_pad|>"),
        timestamp_token_id=ids("<timestamp>"),
        pad_token_id=ids(SPECIALS["document_end"]),
        eos_token_id=[ids(SPECIALS["document_end"]), ids(SPECIALS["turn_end"])],
        tie_word_embeddings=True,
    )


def make_tokenizer(lines: Sequence[str], size: int) -> Any:
    """A byte-level BPE of a text with Qwen's special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [*SPECIALS.values(), "<|audio_pad|>", "<timestamp>"]
    whole = Tokenizer(models.BPE())
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    whole.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    whole.train_from_iterator(lines, trainer)
    found = PreTrainedTokenizerFast(tokenizer_object=whole)
    found.add_special_tokens({"additional_special_tokens": special})
    return found


def make_model(size: Size, tokenizer: Any, teacher: AudioEncoder | None) -> Any:
    """A model; its tower's layers are some of the teacher's, evenly spaced, if of their size.

    The positions of a window are computed as Whisper's are. Where no layer is left out, only the
    convolutions are not the teacher's.
    """
    from transformers import Qwen3ASRForConditionalGeneration

    model = Qwen3ASRForConditionalGeneration(config(size, tokenizer))
    tower, projector = model.model.audio_tower, model.model.multi_modal_projector
    for layer in (*convolutions(tower), projector.linear_1):
        layer.reset_parameters()  # transformers' deviation of 0.02 lets hardly any sound through
    say_nothing(projector)
    if teacher is not None and teacher.config.d_model == size.d_model:
        own = tower.state_dict()
        known = chosen_layers(teacher.state_dict(), teacher.config.encoder_layers, size)
        with torch.no_grad():
            for name, value in own.items():
                source = known.get(name.replace("ln_post", "layer_norm"))
                if source is not None and source.shape == value.shape:
                    value.copy_(source)
                elif name.endswith("k_proj.bias"):
                    value.zero_()  # Whisper's keys have none
    return model.float()


def say_nothing(projector: Any) -> None:
    """Let a projector begin near zero, as far from every token."""
    projector.linear_2.reset_parameters()
    with torch.no_grad():
        projector.linear_2.weight.mul_(UNSURE)


def convolved(convolutions: nn.ModuleList, frames: torch.Tensor) -> torch.Tensor:
    """Tokens [B, ceil(T / 8), width] of frames [B, bands, T], before they have positions."""
    *strided, out = convolutions
    x = frames[:, None]
    for layer in strided:
        x = F.gelu(layer(x))
    tokens: torch.Tensor = out(x.permute(0, 3, 1, 2).flatten(2))
    return tokens


def convolutions(tower: Any) -> nn.ModuleList:
    """The convolutions of an audio tower, and the matrix behind them."""
    return nn.ModuleList([tower.conv2d1, tower.conv2d2, tower.conv2d3, tower.conv_out])


def chosen_layers(
    state: Mapping[str, torch.Tensor], layers: int, size: Size
) -> dict[str, torch.Tensor]:
    """A teacher's weights by the names that they get: first and last layer, and some between."""
    steps = max(1, size.encoder_layers - 1)
    taken = {round(i * (layers - 1) / steps): i for i in range(size.encoder_layers)}
    found = {}
    for name, value in state.items():
        if part := re.match(r"layers\.(\d+)\.", name):
            if int(part[1]) in taken:
                found[f"layers.{taken[int(part[1])]}.{name[part.end() :]}"] = value
        else:
            found[name] = value
    return found


def padded(
    clips: Sequence[torch.Tensor], device: str, chunk: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips' frames [T, bands] as the audio tower takes a batch of them.

    Args:
        clips: of a batch.
        device: where it is wanted.
        chunk: frames that pass the convolutions together.

    Returns:
        [B, bands, T] frames up to whole chunks, and [B, T] 1 where there is sound.
    """
    length = -(-max(map(len, clips)) // chunk) * chunk
    frames = torch.zeros(len(clips), length, clips[0].shape[1])
    mask = torch.zeros(len(clips), length, dtype=torch.long)
    for i, clip in enumerate(clips):
        frames[i, : len(clip)] = clip
        mask[i, : len(clip)] = 1
    return frames.transpose(1, 2).to(device), mask.to(device)


def write(
    model: Any,
    tokenizer: Any,
    features: Features,
    kind: str,
    languages: Iterable[str],
    out: Path,
    letters: Letters | None = None,
) -> None:
    """Write the weights by transformers' names, packed, with its configuration and tokenizer.

    Args:
        model: what was learnt.
        tokenizer: of its texts.
        features: that it hears.
        kind: what it is: "recognizer" or "aligner".
        languages: codes of those it knows.
        out: the folder.
        letters: that it hears.
    """
    from safetensors.torch import save_file
    from transformers.models.qwen3_asr import Qwen3ASRFeatureExtractor

    out.mkdir(parents=True, exist_ok=True)
    model.config.kind = kind
    model.config.support_languages = [english_name(code) for code in languages]
    if letters:
        model.config.letters = letters.letters
    model.config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    Qwen3ASRFeatureExtractor(features.log_mel.bands, hop_length=features.hop).save_pretrained(out)
    state = {name: value for name, value in model.state_dict().items() if name != TIED}
    save_file(packed(state | (letters.weights() if letters else {})), out / PACKED)
