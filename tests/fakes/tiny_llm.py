"""Tiny language models: tokenizers that read bytes, and two random layers behind them."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def byte_tokenizer() -> Tokenizer:
    """A token for every byte, as byte-pair encoding falls back to."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def chat_tokenizer() -> PreTrainedTokenizerFast:
    """The same with the marks of a chat: 256 ends a turn, 257 begins one."""
    found = PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer())
    found.add_special_tokens(
        {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}
    )
    return found


def llama(seed: int, **changes: Any) -> LlamaForCausalLM:
    """A random model of all bytes and two marks.

    Args:
        seed: of its weights.
        changes: of its configuration.
    """
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": 258,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "tie_word_embeddings": True,
    }
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **changes})).eval()
