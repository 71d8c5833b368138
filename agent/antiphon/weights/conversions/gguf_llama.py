"""A Llama-like language model as GGUF stores it -> a Hugging Face folder in bfloat16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
CONTROL = 3
"""GGUF's token type for tokens that steer the model and are never text."""


def convert(source: Path, target: Path) -> None:
    """Writes a folder that transformers' AutoModelForCausalLM and AutoTokenizer load.

    Args:
        source: The `.gguf` file, architecture `llama`, byte-level BPE vocabulary.
        target: Existing empty folder.

    Raises:
        ValueError: The file is damaged or not such a model.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(source)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        _write_weights(reader, fields, target)
        _write_tokenizer(fields, target)
    except (KeyError, IndexError) as error:
        raise ValueError(f"{source.name} is damaged or no Llama: {error}") from error


def unpermute(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undoes GGUF's reordering of the rows of a query or key projection.

    GGUF rotates neighbouring pairs of rows, transformers the two halves of a head.

    Args:
        weight: [heads * D, H] rows in GGUF's order.
        heads: Number of heads these rows belong to.

    Returns:
        [heads * D, H] rows in transformers' order.
    """
    rows = weight.shape[0] // heads
    pairs = weight.reshape(heads, rows // 2, 2, *weight.shape[1:])
    back: NDArray[np.float32] = pairs.swapaxes(1, 2).reshape(weight.shape)
    return back


def _write_weights(reader: Any, fields: dict[str, Any], target: Path) -> None:
    """Dequantises every tensor and writes model.safetensors and config.json."""
    import torch
    from gguf import dequantize
    from safetensors.torch import save_file
    from transformers import LlamaConfig

    heads = {
        "attn_q": fields["llama.attention.head_count"],
        "attn_k": fields["llama.attention.head_count_kv"],
    }
    state: dict[str, torch.Tensor] = {}
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type)
        name = tensor.name.removesuffix(".weight")
        if name.startswith("blk."):
            _, layer, part = name.split(".")
            if part in heads:
                weight = unpermute(weight, heads[part])
            name = f"model.layers.{layer}.{LAYER[part]}"
        else:
            name = TOP[name]
        bfloat = torch.from_numpy(np.array(weight)).to(torch.bfloat16)
        state[f"{name}.weight"] = bfloat.contiguous()
    save_file(state, target / "model.safetensors", metadata={"format": "pt"})
    config = LlamaConfig(
        vocab_size=state["model.embed_tokens.weight"].shape[0],
        hidden_size=fields["llama.embedding_length"],
        intermediate_size=fields["llama.feed_forward_length"],
        num_hidden_layers=fields["llama.block_count"],
        num_attention_heads=heads["attn_q"],
        num_key_value_heads=heads["attn_k"],
        max_position_embeddings=fields["llama.context_length"],
        rms_norm_eps=fields["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": fields["llama.rope.freq_base"]},
        tie_word_embeddings="lm_head.weight" not in state,
        bos_token_id=fields["tokenizer.ggml.bos_token_id"],
        eos_token_id=fields["tokenizer.ggml.eos_token_id"],
    )
    config.architectures = ["LlamaForCausalLM"]
    config.dtype = "bfloat16"
    config.save_pretrained(target)


def _write_tokenizer(fields: dict[str, Any], target: Path) -> None:
    """Builds the byte-level BPE tokenizer from the vocabulary in the file."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    # The vocabulary was trained with digits apart from each other.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
    control = [AddedToken(token, special=True) for token, kind in kinds if kind == CONTROL]
    tokenizer.add_special_tokens(control)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[fields["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[fields["tokenizer.ggml.eos_token_id"]],
        pad_token=tokens[fields["tokenizer.ggml.padding_token_id"]],
        unk_token=tokens[fields["tokenizer.ggml.unknown_token_id"]],
        chat_template=fields["tokenizer.chat_template"],
        clean_up_tokenization_spaces=False,
    ).save_pretrained(target)
