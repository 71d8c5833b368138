"""A model written as GGUF comes back as the same model with the same tokenizer."""

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
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from antiphon.weights.conversions import gguf_model

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}{% endfor %}"


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of rows: the two halves of a head interleaved."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write_gguf(path: Path, model: PreTrainedModel) -> None:
    config = model.config
    llama = config.model_type == "llama"
    tokens = SPECIAL + sorted(ByteLevel.alphabet()) + ["he", "ll", "hell", "12"]
    kinds = [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL))
    if not llama:
        tokens, kinds = [*tokens, "<tool_call>", "[PAD1]"], [*kinds, 4, 5]
    writer = GGUFWriter(path, config.model_type)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["h e", "l l", "he ll", "1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    if llama:
        writer.add_unk_token_id(0)
    else:
        writer.add_tokenizer_pre("qwen2")
    writer.add_chat_template(TEMPLATE)
    names = {ours: theirs for theirs, ours in gguf_model.TOP.items()}
    parts = {ours: theirs for theirs, ours in gguf_model.LAYER.items()}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    heads = heads if llama else {}
    if config.model_type == "qwen3":
        writer.add_key_length(config.head_dim)
    for key, value in model.state_dict().items():
        weight = value.float().numpy()
        stem, kind = key.rsplit(".", 1)
        if stem == "lm_head":
            continue  # tied to the embedding
        if stem.startswith("model.layers."):
            _, _, layer, part = stem.split(".", 3)
            if parts[part] in heads:
                weight = permuted(weight, heads[parts[part]])
            writer.add_tensor(f"blk.{layer}.{parts[part]}.{kind}", weight)
        else:
            writer.add_tensor(f"{names[stem]}.{kind}", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def converted(root: Path, config: type[PretrainedConfig], **more: object):
    torch.manual_seed(0)
    made = config(
        vocab_size=len(SPECIAL) + 256 + 6, hidden_size=16, intermediate_size=32,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0}, **more,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(made)
    for name, weight in model.named_parameters():
        if name.endswith(("bias", "norm.weight")):
            torch.nn.init.normal_(weight, mean=1.0, std=0.5)  # as made they would change nothing
    model = model.to(torch.bfloat16).eval()
    write_gguf(root / "model.gguf", model)
    (root / "ready").mkdir()
    gguf_model.convert(root / "model.gguf", root / "ready")
    return model, root / "ready"


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[PreTrainedModel, Path]:
    return converted(tmp_path_factory.mktemp("gguf"), LlamaConfig)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory) -> tuple[PreTrainedModel, Path]:
    return converted(tmp_path_factory.mktemp("gguf"), Qwen2Config)


def same(model: PreTrainedModel, ready: Path) -> None:
    loaded, info = AutoModelForCausalLM.from_pretrained(
        ready, dtype=torch.float32, output_loading_info=True
    )
    assert type(loaded) is type(model)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert loaded.config.eos_token_id == 2 and loaded.config.tie_word_embeddings
    tokens = torch.tensor([[1, 5, 9, 200, 42]])
    with torch.no_grad():
        torch.testing.assert_close(loaded(tokens).logits, model.float()(tokens).logits)


def test_the_converted_model_is_the_same_model(folders):
    same(*folders)


def test_a_qwen2_keeps_its_biases(qwen):
    same(*qwen)


def test_a_qwen3_keeps_its_norms_of_heads(tmp_path):
    same(*converted(tmp_path, Qwen3Config, head_dim=8))


def test_a_large_model_is_written_in_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_model, "SHARD_BYTES", 4_000)
    model, ready = converted(tmp_path, LlamaConfig)
    assert len(list(ready.glob("*.safetensors"))) > 1
    same(model, ready)


def test_qwens_tokens_are_cut_as_qwen_cuts_them(qwen):
    tokenizer = AutoTokenizer.from_pretrained(qwen[1])
    cut = tokenizer.convert_ids_to_tokens(tokenizer("hell<tool_call>12<|im_end|>").input_ids)
    assert cut == ["hell", "<tool_call>", "1", "2", "<|im_end|>"]
    ids = tokenizer("hell<tool_call><|im_end|>").input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hell<tool_call>"
    assert "[PAD1]" not in tokenizer.get_vocab() and tokenizer.unk_token is None
    composed, apart = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    assert tokenizer(apart).input_ids == tokenizer(composed).input_ids


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
        restored = gguf_model.unpermute(permuted(weight, heads), heads)
        np.testing.assert_array_equal(restored, weight)


def test_another_architecture_is_refused(tmp_path):
    writer = GGUFWriter(tmp_path / "model.gguf", "bert")
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match="architecture bert; llama, qwen2, qwen3 can be"):
        gguf_model.convert(tmp_path / "model.gguf", tmp_path)
