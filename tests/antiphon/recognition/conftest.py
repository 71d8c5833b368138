"""A tiny Qwen3-ASR in both public layouts, with a tokenizer of bytes and the special tokens."""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import save_file
from tiny_llm import byte_tokenizer
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
)
from transformers.models.qwen3_asr import Qwen3ASRConfig

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>",
    "<|audio_pad|>", "<asr_text>", "<timestamp>",
]  # fmt: skip
AUDIO = {
    "num_mel_bins": 80, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
    "d_model": 16, "output_dim": 24, "downsample_hidden_size": 4,
}  # fmt: skip
TEXT = {
    "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 264, "tie_word_embeddings": True,
    "max_position_embeddings": 2048,
}  # fmt: skip


def config(**more):
    return Qwen3ASRConfig(
        audio_config={"model_type": "qwen3_asr_encoder", "n_window_infer": 800, **AUDIO},
        text_config={"model_type": "qwen3", "initializer_range": 0.5, **TEXT},
        audio_token_id=261, timestamp_token_id=263, pad_token_id=258, eos_token_id=[256, 258],
        **more,
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_tokenizer():
    found = PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer())
    found.add_special_tokens({"additional_special_tokens": SPECIAL})
    return found


@pytest.fixture(scope="session")
def hub_model():
    torch.manual_seed(4)
    return Qwen3ASRForConditionalGeneration(config()).eval()


@pytest.fixture(scope="session")
def native(hub_model, tiny_tokenizer, tmp_path_factory):
    """A folder as transformers writes it."""
    folder = tmp_path_factory.mktemp("native")
    hub_model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def original(hub_model, tiny_tokenizer, tmp_path_factory):
    """The same weights as Qwen publishes them."""
    folder = tmp_path_factory.mktemp("original")
    tiny_tokenizer.save_pretrained(folder)
    write_original(folder, hub_model, {})
    return folder


def write_original(folder, model, more):
    state = {}
    for name, value in model.state_dict().items():
        if "positional_embedding" in name:
            continue
        name = name.replace("model.multi_modal_projector.linear_1", "thinker.audio_tower.proj1")
        name = name.replace("model.multi_modal_projector.linear_2", "thinker.audio_tower.proj2")
        name = re.sub(r"^model\.language_model\.", "thinker.model.", name)
        name = re.sub(r"^model\.audio_tower\.", "thinker.audio_tower.", name)
        name = re.sub(r"^(lm_head|score)\.", "thinker.lm_head.", name)
        state[name] = value.clone()
    save_file(state, folder / "model.safetensors")
    rope = {"mrope_section": [4, 2, 2], "mrope_interleaved": True, "rope_type": "default"}
    thinker = {
        "audio_config": {**AUDIO, "n_window": 50, "n_window_infer": 800, "conv_chunksize": 500,
                         "max_source_positions": 1500, "model_type": "qwen3_asr_audio_encoder"},
        "text_config": {**TEXT, "rope_scaling": rope, "num_experts": 128,
                        "moe_intermediate_size": 768},
        "audio_token_id": 261,
        "timestamp_token_id": 263,
        **more,
    }  # fmt: skip
    facts = {"model_type": "qwen3_asr", "thinker_config": thinker}
    (folder / "config.json").write_text(json.dumps(facts))


@pytest.fixture
def original_aligner(tiny_tokenizer, tmp_path):
    torch.manual_seed(5)
    model = Qwen3ASRForTokenClassification(config(num_labels=50)).eval()
    tiny_tokenizer.save_pretrained(tmp_path)
    write_original(tmp_path, model, {"classify_num": 50})
    return tmp_path, model
