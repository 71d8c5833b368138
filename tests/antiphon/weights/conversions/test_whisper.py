"""A Whisper written the way CTranslate2 stores it comes back as the same model."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoTokenizer,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperModel,
)

from antiphon import weights
from antiphon.weights.conversions import ctranslate2, whisper

SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>"]
SPECIAL += ["<|translate|>", "<|transcribe|>", "<|notimestamps|>"]


def random_whisper(vocabulary: int = 40) -> WhisperForConditionalGeneration:
    config = WhisperConfig(
        vocab_size=vocabulary, d_model=16, num_mel_bins=8, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_source_positions=10, max_target_positions=12, pad_token_id=1,
        bos_token_id=1, eos_token_id=1, decoder_start_token_id=2,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config).eval()
    for parameter in model.parameters():  # biases start at zero, which would hide mistakes
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def as_ctranslate2(model: WhisperForConditionalGeneration) -> dict[str, np.ndarray]:
    """The inverse of `whisper.rename`, written independently of it."""
    variables: dict[str, Any] = {
        "encoder/num_heads": np.array(2, np.int16),
        "decoder/num_heads": np.array(2, np.int16),
        "decoder/embeddings/weight": model.model.decoder.embed_tokens.weight,
        "encoder/position_encodings/encodings": model.model.encoder.embed_positions.weight,
        "decoder/position_encodings/encodings": model.model.decoder.embed_positions.weight,
    }

    def norm(name: str, module: torch.nn.LayerNorm) -> None:
        variables[f"{name}/gamma"], variables[f"{name}/beta"] = module.weight, module.bias

    def stacked(name: str, *modules: torch.nn.Linear) -> None:
        biases = [
            m.bias.detach() if m.bias is not None else torch.zeros(m.out_features) for m in modules
        ]
        variables[f"{name}/weight"] = torch.cat([m.weight.detach() for m in modules])
        variables[f"{name}/bias"] = torch.cat(biases)

    for number in (1, 2):
        convolution = getattr(model.model.encoder, f"conv{number}")
        variables[f"encoder/conv{number}/weight"] = convolution.weight
        variables[f"encoder/conv{number}/bias"] = convolution.bias
    for half in ("encoder", "decoder"):
        part = getattr(model.model, half)
        norm(f"{half}/layer_norm", part.layer_norm)
        for index, layer in enumerate(part.layers):
            name = f"{half}/layer_{index}"
            own = layer.self_attn
            norm(f"{name}/self_attention/layer_norm", layer.self_attn_layer_norm)
            stacked(f"{name}/self_attention/linear_0", own.q_proj, own.k_proj, own.v_proj)
            stacked(f"{name}/self_attention/linear_1", own.out_proj)
            norm(f"{name}/ffn/layer_norm", layer.final_layer_norm)
            stacked(f"{name}/ffn/linear_0", layer.fc1)
            stacked(f"{name}/ffn/linear_1", layer.fc2)
            if half == "decoder":
                cross = layer.encoder_attn
                norm(f"{name}/attention/layer_norm", layer.encoder_attn_layer_norm)
                stacked(f"{name}/attention/linear_0", cross.q_proj)
                stacked(f"{name}/attention/linear_1", cross.k_proj, cross.v_proj)
                stacked(f"{name}/attention/linear_2", cross.out_proj)
    return {
        name: value.detach().numpy() if isinstance(value, torch.Tensor) else value
        for name, value in variables.items()
    }


def write_model_bin(path: Path, variables: dict[str, np.ndarray], version: int = 6) -> None:
    codes = {np.dtype(dtype): code for code, dtype in ctranslate2.DTYPES.items()}

    def string(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    data = struct.pack("<I", version) + string("WhisperSpec")
    data += struct.pack("<II", 3, len(variables))
    for name, array in variables.items():
        data += string(name) + struct.pack("<B", array.ndim)
        data += struct.pack(f"<{array.ndim}I", *array.shape)
        data += struct.pack("<BI", codes[array.dtype], array.nbytes) + array.tobytes()
    data += struct.pack("<I", 1) + string("decoder/projection/weight")
    path.write_bytes(data + string("decoder/embeddings/weight"))


def published(folder: Path, model: WhisperForConditionalGeneration) -> Path:
    folder.mkdir()
    write_model_bin(folder / "model.bin", as_ctranslate2(model))
    added = [
        {"id": 1 + i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for i, token in enumerate(SPECIAL)
    ]  # fmt: skip
    vocabulary = {"a": 0} | {token: 1 + i for i, token in enumerate(SPECIAL)}
    tokenizer = {
        "version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": None,
        "post_processor": None, "decoder": None, "truncation": None, "padding": None,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {"suppress_ids": [0], "suppress_ids_begin": [1], "alignment_heads": [[0, 0]]}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "vocabulary.txt").write_text("\n".join(vocabulary))
    return folder


def test_the_converted_model_is_the_same_model(tmp_path):
    model = random_whisper()
    source, target = published(tmp_path / "published", model), tmp_path / "ready"
    target.mkdir()

    whisper.convert(source, target)

    loaded, info = WhisperForConditionalGeneration.from_pretrained(target, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert loaded.dtype == torch.float32 and loaded.proj_out.weight.shape == (40, 16)
    features, tokens = torch.randn(1, 8, 20), torch.tensor([[2, 3, 5]])
    with torch.no_grad():
        ours = loaded(features, decoder_input_ids=tokens).logits
        theirs = model(features, decoder_input_ids=tokens).logits
    torch.testing.assert_close(ours, theirs)
    _, info = WhisperModel.from_pretrained(target, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert (target / "ctranslate2" / "model.bin").is_file()
    assert WhisperFeatureExtractor.from_pretrained(target).feature_size == 8


def test_the_english_only_prompt_has_no_language(tmp_path):
    source, target = published(tmp_path / "published", random_whisper()), tmp_path / "ready"
    target.mkdir()
    whisper.convert(source, target)
    generation = json.loads((target / "generation_config.json").read_text())
    assert generation["is_multilingual"] is False and "lang_to_id" not in generation
    assert generation["decoder_start_token_id"] == 2 and generation["no_timestamps_token_id"] == 7


def test_the_multilingual_prompt_has_languages_and_tasks(tmp_path):
    model = random_whisper(vocabulary=51_865)
    source, target = published(tmp_path / "published", model), tmp_path / "ready"
    target.mkdir()
    whisper.convert(source, target)
    generation = json.loads((target / "generation_config.json").read_text())
    assert generation["lang_to_id"] == {"<|en|>": 3, "<|de|>": 4}
    assert generation["task_to_id"] == {"transcribe": 6, "translate": 5}


def test_damaged_files_are_refused(tmp_path):
    file = tmp_path / "model.bin"
    write_model_bin(file, {"a": np.ones((2, 3), np.float16)})
    whole = file.read_bytes()
    assert ctranslate2.read(file)["a"].tolist() == [[1, 1, 1], [1, 1, 1]]
    for length in (0, 3, 30, 45):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError):
            ctranslate2.read(file)
    write_model_bin(file, {}, version=5)
    with pytest.raises(ValueError, match="binary version 5"):
        ctranslate2.read(file)


def test_a_model_that_is_no_whisper_is_refused(tmp_path):
    write_model_bin(tmp_path / "model.bin", {"a": np.ones((2, 3), np.float16)})
    with pytest.raises(ValueError, match="no Whisper"):
        whisper.convert(tmp_path, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whisper-tiny.en"])
def test_the_encoder_agrees_with_ctranslate2(name):
    ctranslate2_library = pytest.importorskip("ctranslate2")
    folder = weights.path(name)
    features = WhisperFeatureExtractor.from_pretrained(folder)(
        0.1 * np.random.default_rng(0).standard_normal(48_000),
        sampling_rate=16_000,
        return_tensors="pt",
    ).input_features
    with torch.no_grad():
        ours = WhisperModel.from_pretrained(folder).encoder(features).last_hidden_state.numpy()
    original = ctranslate2_library.models.Whisper(
        str(folder / "ctranslate2"), compute_type="float32"
    )
    view = ctranslate2_library.StorageView.from_array(features.numpy())
    theirs = np.array(original.encode(view, to_cpu=True))
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.slow
def test_the_tokenizer_speaks_english():
    tokenizer = AutoTokenizer.from_pretrained(weights.path("whisper-tiny.en"))
    ids = tokenizer(" What is the capital of France?").input_ids
    text = tokenizer.decode(ids, skip_special_tokens=True)
    assert text == " What is the capital of France?"
