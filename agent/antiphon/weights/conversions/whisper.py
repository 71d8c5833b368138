"""Whisper as CTranslate2 stores it -> a Hugging Face Whisper folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.weights.conversions import ctranslate2

Tensors = dict[str, NDArray[np.generic]]


def convert(source: Path, target: Path) -> None:
    """Writes a folder that transformers' WhisperModel (or …ForConditionalGeneration) loads.

    The weights stay float16 on disk, as published; the configuration asks for float32, which is
    what a CPU computes in. The source files are kept in `ctranslate2/`, where faster-whisper
    finds all it needs.

    Args:
        source: Folder with `model.bin`, `config.json`, `tokenizer.json`, `vocabulary.txt`.
        target: Existing empty folder.

    Raises:
        ValueError: `model.bin` is damaged or no Whisper.
    """
    from safetensors.numpy import save_file
    from transformers import WhisperFeatureExtractor

    variables = ctranslate2.read(source / "model.bin")
    try:
        tensors = rename(variables)
        sizes = _sizes(variables)
    except KeyError as error:
        raise ValueError(f"model.bin is no Whisper: it has no {error}") from error
    kept = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})
    _write_configs(source, target, sizes)
    WhisperFeatureExtractor(feature_size=sizes["num_mel_bins"]).save_pretrained(target)
    shutil.copytree(source, target / "ctranslate2", dirs_exist_ok=True)


def rename(variables: Tensors) -> Tensors:
    """Maps CTranslate2's variables to the state dict of WhisperForConditionalGeneration.

    CTranslate2 stacks the projections that read the same input: q, k, v of self-attention in
    `linear_0`, k and v of cross-attention in `linear_1`. Whisper has no bias on k, so that part
    of a stacked bias is zero and dropped.

    Args:
        variables: What `ctranslate2.read` returns.

    Returns:
        Names with the prefix `model.`; the output projection is tied to the token embedding.
    """
    state: Tensors = {
        "model.decoder.embed_tokens.weight": variables["decoder/embeddings/weight"],
    }
    for number in (1, 2):
        for kind in ("weight", "bias"):
            value = variables[f"encoder/conv{number}/{kind}"]
            state[f"model.encoder.conv{number}.{kind}"] = value
    for half in ("encoder", "decoder"):
        positions = variables[f"{half}/position_encodings/encodings"]
        state[f"model.{half}.embed_positions.weight"] = positions
        state |= _norm(variables, f"{half}/layer_norm", f"model.{half}.layer_norm")
        for layer in range(_layers(variables, half)):
            ours, theirs = f"{half}/layer_{layer}", f"model.{half}.layers.{layer}"
            state |= _norm(variables, f"{ours}/ffn/layer_norm", f"{theirs}.final_layer_norm")
            state |= _linear(variables, f"{ours}/ffn/linear_0", [f"{theirs}.fc1"])
            state |= _linear(variables, f"{ours}/ffn/linear_1", [f"{theirs}.fc2"])
            state |= _attention(variables, f"{ours}/self_attention", f"{theirs}.self_attn")
            if half == "decoder":
                state |= _attention(variables, f"{ours}/attention", f"{theirs}.encoder_attn")
    return state


def _attention(variables: Tensors, ours: str, theirs: str) -> Tensors:
    q, k, v, out = (f"{theirs}.{part}_proj" for part in ("q", "k", "v", "out"))
    cross = f"{ours}/linear_2/weight" in variables
    state = _norm(variables, f"{ours}/layer_norm", f"{theirs}_layer_norm")
    if cross:
        state |= _linear(variables, f"{ours}/linear_0", [q])
        state |= _linear(variables, f"{ours}/linear_1", [k, v])
        state |= _linear(variables, f"{ours}/linear_2", [out])
    else:
        state |= _linear(variables, f"{ours}/linear_0", [q, k, v])
        state |= _linear(variables, f"{ours}/linear_1", [out])
    del state[f"{k}.bias"]
    return state


def _linear(variables: Tensors, ours: str, theirs: list[str]) -> Tensors:
    weights = np.split(variables[f"{ours}/weight"], len(theirs))
    biases = np.split(variables[f"{ours}/bias"], len(theirs))
    state: Tensors = {}
    for name, weight, bias in zip(theirs, weights, biases, strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    return state


def _norm(variables: Tensors, ours: str, theirs: str) -> Tensors:
    return {
        f"{theirs}.weight": variables[f"{ours}/gamma"],
        f"{theirs}.bias": variables[f"{ours}/beta"],
    }


def _layers(variables: Tensors, half: str) -> int:
    return sum(name.endswith("/ffn/linear_0/weight") for name in variables if half in name)


def _sizes(variables: Tensors) -> dict[str, int]:
    vocabulary, width = variables["decoder/embeddings/weight"].shape
    inner = variables["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "num_mel_bins": variables["encoder/conv1/weight"].shape[1],
        "encoder_layers": _layers(variables, "encoder"),
        "decoder_layers": _layers(variables, "decoder"),
        "encoder_attention_heads": int(variables["encoder/num_heads"]),
        "decoder_attention_heads": int(variables["decoder/num_heads"]),
        "encoder_ffn_dim": inner,
        "decoder_ffn_dim": inner,
        "max_source_positions": variables["encoder/position_encodings/encodings"].shape[0],
        "max_target_positions": variables["decoder/position_encodings/encodings"].shape[0],
    }


def _write_configs(source: Path, target: Path, sizes: dict[str, int]) -> None:
    """Writes config.json, generation_config.json and the tokenizer's files."""
    from transformers import GenerationConfig, WhisperConfig

    published = json.loads((source / "config.json").read_text("utf-8"))
    shutil.copy(source / "tokenizer.json", target / "tokenizer.json")
    tokenizer = json.loads((target / "tokenizer.json").read_text("utf-8"))
    ids = {token["content"]: int(token["id"]) for token in tokenizer["added_tokens"]}
    # Timestamps follow "no timestamps"; the tokenizer may or may not list them.
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    special = {
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "decoder_start_token_id": start,
    }
    suppressed = {
        "suppress_tokens": published["suppress_ids"],
        "begin_suppress_tokens": published["suppress_ids_begin"],
    }
    config = WhisperConfig(**sizes, **special)
    config.architectures = ["WhisperForConditionalGeneration"]
    config.dtype = "float32"
    config.save_pretrained(target)

    # The English-only models have one token less, and no language or task in their prompt.
    multilingual = sizes["vocab_size"] >= 51865
    generation: dict[str, object] = {
        **special,
        **suppressed,
        "max_length": sizes["max_target_positions"],
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "max_initial_timestamp_index": 50,
        "alignment_heads": published["alignment_heads"],
        "is_multilingual": multilingual,
        "return_timestamps": False,
    }
    if multilingual:
        tasks = {task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")}
        first, last = start + 1, min(tasks.values()) - 1
        languages = {token: id for token, id in ids.items() if first <= id <= last}
        generation |= {"task_to_id": tasks, "lang_to_id": languages}
    GenerationConfig(**generation).save_pretrained(target)

    settings = {
        "tokenizer_class": "WhisperTokenizer",
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
    }
    (target / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
