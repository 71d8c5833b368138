"""A Llama or Qwen as GGUF stores it -> a Hugging Face folder in bfloat16."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.weights.conversions import gguf_tokenizer

TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
ARCHITECTURES = {"llama": "LlamaConfig", "qwen2": "Qwen2Config", "qwen3": "Qwen3Config"}
"""Architectures by GGUF's name, with transformers' configuration."""
SHARD_BYTES = 1 << 30
"""Size from which a new file of weights is begun, so that little is kept in memory."""


def convert(source: Path, target: Path) -> None:
    """Writes a folder that transformers' AutoModelForCausalLM and AutoTokenizer load.

    Args:
        source: The `.gguf` file: one of `ARCHITECTURES`, with a byte-level BPE vocabulary.
        target: Existing empty folder.

    Raises:
        ValueError: The file is damaged or not such a model.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(source)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        architecture = fields["general.architecture"]
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"{source.name} holds a model of architecture {architecture}; "
                f"{', '.join(ARCHITECTURES)} can be converted."
            )
        names, vocabulary = _write_weights(reader, fields, target)
        _write_config(architecture, fields, names, vocabulary, target)
        gguf_tokenizer.write(fields, target)
    except (KeyError, IndexError) as error:
        raise ValueError(f"{source.name} is damaged: {error}") from error


def unpermute(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undoes GGUF's reordering of the rows of a Llama's query or key projection.

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


def _write_weights(reader: Any, fields: dict[str, Any], target: Path) -> tuple[set[str], int]:
    """Dequantises every tensor into model files; the tensors' names, and the vocabulary's size."""
    import torch
    from gguf import dequantize
    from safetensors.torch import save_file

    permuted = {}
    if fields["general.architecture"] == "llama":
        permuted = {
            "attn_q": fields["llama.attention.head_count"],
            "attn_k": fields["llama.attention.head_count_kv"],
        }
    shard: dict[str, torch.Tensor] = {}
    files: dict[str, str] = {}
    size = vocabulary = total = 0

    def close() -> None:
        """Write the shard and begin the next."""
        name = f"model-{len(set(files.values())) + 1:05d}.safetensors"
        files.update(dict.fromkeys(shard, name))
        save_file(shard, target / name, metadata={"format": "pt"})
        shard.clear()

    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type)
        stem, kind = tensor.name.rsplit(".", 1)
        if stem.startswith("blk."):
            _, layer, part = stem.split(".")
            if part in permuted:
                weight = unpermute(weight, permuted[part])
            stem = f"model.layers.{layer}.{LAYER[part]}"
        elif stem in TOP:
            stem = TOP[stem]
        else:
            continue  # rope_freqs: what the configuration says, too
        if stem == TOP["token_embd"]:
            vocabulary = len(weight)
        bfloat = torch.from_numpy(np.array(weight)).to(torch.bfloat16).contiguous()
        shard[f"{stem}.{kind}"] = bfloat
        size += bfloat.nbytes
        total += bfloat.nbytes
        if size >= SHARD_BYTES:
            close()
            size = 0
    if shard:
        close()
    if len(set(files.values())) == 1:
        next(target.glob("*.safetensors")).rename(target / "model.safetensors")
    else:
        index = {"metadata": {"total_size": total}, "weight_map": files}
        (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), "utf-8")
    return set(files), vocabulary


def _write_config(
    architecture: str, fields: dict[str, Any], names: set[str], vocabulary: int, target: Path
) -> None:
    """Writes config.json."""
    import transformers

    def field(name: str, default: Any = None) -> Any:
        key = f"{architecture}.{name}"
        return fields.get(key, default) if default is not None else fields[key]

    heads = field("attention.head_count")
    config = getattr(transformers, ARCHITECTURES[architecture])(
        vocab_size=vocabulary,
        hidden_size=field("embedding_length"),
        intermediate_size=field("feed_forward_length"),
        num_hidden_layers=field("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=field("attention.head_count_kv"),
        head_dim=field("attention.key_length", field("embedding_length") // heads),
        max_position_embeddings=field("context_length"),
        rms_norm_eps=field("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": field("rope.freq_base")},
        tie_word_embeddings=f"{TOP['output']}.weight" not in names,
        bos_token_id=fields.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=fields["tokenizer.ggml.eos_token_id"],
    )
    config.architectures = [ARCHITECTURES[architecture].replace("Config", "ForCausalLM")]
    config.dtype = "bfloat16"
    config.save_pretrained(target)
