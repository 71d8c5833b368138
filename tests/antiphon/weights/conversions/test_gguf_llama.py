"""A Llama written as GGUF comes back as the same model with the same tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFWriter
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from antiphon.weights.conversions import gguf_llama

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}{% endfor %}"


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of rows: the two halves of a head interleaved."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write_gguf(path: Path, model: LlamaForCausalLM) -> None:
    tokens = SPECIAL + sorted(ByteLevel.alphabet()) + ["he", "ll", "hell", "12"]
    writer = GGUFWriter(path, "llama")
    config = model.config
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(["h e", "l l", "he ll", "1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    names = {ours: theirs for theirs, ours in gguf_llama.TOP.items()}
    parts = {ours: theirs for theirs, ours in gguf_llama.LAYER.items()}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for key, value in model.state_dict().items():
        weight = value.float().numpy()
        stem = key.removesuffix(".weight")
        if stem == "lm_head":
            continue  # tied to the embedding
        if stem.startswith("model.layers."):
            _, _, layer, part = stem.split(".", 3)
            if parts[part] in heads:
                weight = permuted(weight, heads[parts[part]])
            writer.add_tensor(f"blk.{layer}.{parts[part]}.weight", weight)
        else:
            writer.add_tensor(f"{names[stem]}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[LlamaForCausalLM, Path]:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(SPECIAL) + 256 + 4, hidden_size=16, intermediate_size=32,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16).eval()
    root = tmp_path_factory.mktemp("gguf")
    write_gguf(root / "model.gguf", model)
    (root / "ready").mkdir()
    gguf_llama.convert(root / "model.gguf", root / "ready")
    return model, root / "ready"


def test_the_converted_model_is_the_same_model(folders):
    model, ready = folders
    loaded, info = AutoModelForCausalLM.from_pretrained(
        ready, dtype=torch.float32, output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert loaded.config.eos_token_id == 2 and loaded.config.tie_word_embeddings
    tokens = torch.tensor([[1, 5, 9, 200, 42]])
    with torch.no_grad():
        torch.testing.assert_close(loaded(tokens).logits, model.float()(tokens).logits)


@pytest.fixture(scope="module")
def tokenizer(folders) -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(folders[1])


def test_the_tokenizer_knows_its_special_tokens(tokenizer):
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer("<|im_start|>hell<|im_end|>").input_ids[0] == 1
    assert tokenizer.convert_ids_to_tokens(tokenizer("hell").input_ids) == ["hell"]
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "hell"}], tokenize=False)
    assert chat == "<|im_start|>user\nhell"


def test_digits_stay_apart(tokenizer):
    assert tokenizer.convert_ids_to_tokens(tokenizer("12").input_ids) == ["1", "2"]


@given(st.text())
def test_any_text_comes_back(tokenizer, text):
    text = text.encode("utf-8", "ignore").decode()
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_unpermute_undoes_permuting():
    weight = np.arange(8 * 3, dtype=np.float32).reshape(8, 3)
    for heads in (1, 2, 4):
        restored = gguf_llama.unpermute(permuted(weight, heads), heads)
        np.testing.assert_array_equal(restored, weight)


def test_another_architecture_is_refused(tmp_path):
    writer = GGUFWriter(tmp_path / "model.gguf", "bert")
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match="no Llama"):
        gguf_llama.convert(tmp_path / "model.gguf", tmp_path)
