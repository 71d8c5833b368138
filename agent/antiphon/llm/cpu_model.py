"""A Llama or Qwen in few bits for a CPU: LoRA merged, packed into one file mapped into memory.

Packing takes seconds and is done once for a model and its corrections; the file lies in the cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from tqdm import trange

from antiphon import weights
from antiphon.llm import chat_template
from antiphon.llm.checkpoint_tensors import CheckpointTensors
from antiphon.llm.cpu_decoder import Cache, CpuDecoder, Layer
from antiphon.llm.language_model import State
from antiphon.llm.prefix_cache import PrefixCache
from antiphon.llm.quantized import kept_as, restored, smallest
from antiphon.llm.tokenizer import load_tokenizer

log = logging.getLogger(__name__)
LAYOUT = 2
"""Version of the file's layout; raise it when it changes, so that models are packed again."""
PRODUCTS = ("qkv", "out", "gate_up", "down")
NORMS = ("before", "between")
OPTIONAL = ("bias", "head_gain")
"""What not every architecture has."""
ARCHITECTURES = ("llama", "qwen2", "qwen3")


class CpuLanguageModel:
    """A language model that reads and writes with int8 and int4 weights.

    Args:
        state: tensors of a packed file.
        config: of the model, as transformers keeps it.
        tokenizer: its tokenizer.
        name: what it was loaded by.
        opening: file for what was read of the first prompt.
    """

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        config: Mapping[str, Any],
        tokenizer: Any,
        name: str = "",
        opening: Path | None = None,
    ) -> None:
        self.state, self.tokenizer, self.name = state, tokenizer, name
        self.stop_tokens = chat_template.stop_tokens(tokenizer, config.get("eos_token_id"))
        heads, width = config["num_attention_heads"], config["hidden_size"]

        def layer(at: str) -> Layer:
            qkv, out, gate_up, down = (restored(state, f"{at}.{name}") for name in PRODUCTS)
            before, between = (state[f"{at}.{name}"] for name in NORMS)
            optional = (state.get(f"{at}.{name}") for name in OPTIONAL)
            return Layer(qkv, out, gate_up, down, before, between, *optional)

        self._read = PrefixCache(opening)
        self.head = restored(state, "head")
        self.stack = CpuDecoder(
            tuple(layer(f"layers.{i}") for i in range(config["num_hidden_layers"])),
            state["norm"],
            heads,
            config.get("num_key_value_heads") or heads,
            config.get("head_dim") or width // heads,
            rope_theta(config),
            config["rms_norm_eps"],
        )

    @property
    def embeddings(self) -> torch.Tensor:
        """[V, H] bfloat16 embeddings of the tokens."""
        return self.state["table"]

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The packed tensors."""
        return self.state

    def start(self, tokens: Sequence[int]) -> Cache:
        """A cache that has read `tokens`; what other prompts began with is not read again."""
        known, cache = self._read.longest(tokens)
        if cache is None:
            known, cache = 0, self.stack.start()
        if known < len(tokens):
            rest = self.embeddings[list(tokens[known:])].float()
            cache = self._read.keep(tokens, self.stack.step(rest, cache)[1])
        return cache

    def read(self, embeddings: torch.Tensor, cache: Cache) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""
        states, cache = self.stack.step(embeddings.float(), cache)
        last = states[-1:]
        return last[0], self.head(last)[0], cache

    def write(self, token: int, cache: Cache) -> State:
        """Read the token that was chosen."""
        return self.read(self.embeddings[[token]], cache)


def fits(config: Mapping[str, Any]) -> bool:
    """Whether a model is a plain Llama or Qwen whose widths the kernel takes, without a GPU."""
    if torch.cuda.is_available():
        return False
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    return (
        config["model_type"] in ARCHITECTURES
        and not config.get("use_sliding_window")
        and scaling.get("rope_type", "default") == "default"
        and not (config.get("attention_bias") or config.get("mlp_bias"))
        and config["hidden_size"] % 16 == config["intermediate_size"] % 16 == 0
    )


def rope_theta(config: Mapping[str, Any]) -> float:
    """Base of the rotary angles, which transformers has kept in two places."""
    given = (config.get("rope_parameters") or {}).get("rope_theta", config.get("rope_theta"))
    return float(given or 10_000.0)


def load(folder: Path, corrections: Path | None, name: str) -> CpuLanguageModel:
    """The packed model of a folder, packed first if it is not in the cache.

    Args:
        folder: of a model that `fits`.
        corrections: LoRA to merge.
        name: what it was loaded by.
    """
    from safetensors.torch import load_file, save_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    path = weights.cache() / "packed" / f"{cache_key(folder, corrections)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            log.info("Packing %s for this processor, once…", folder.name)
            part = path.with_suffix(".part")
            save_file(pack(CheckpointTensors(folder, corrections), config), part)
            part.replace(path)
    opening = path.with_suffix(".opening")
    return CpuLanguageModel(load_file(path), config, load_tokenizer(folder), name, opening)


def pack(tensors: CheckpointTensors, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Tensors of a packed file.

    Args:
        tensors: of the model.
        config: its `config.json`.
    """
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    table = tensors["model.embed_tokens.weight"]
    tied = config.get("tie_word_embeddings") or "lm_head.weight" not in tensors
    state = {"table": table.bfloat16(), "norm": tensors["model.norm.weight"].float()}
    products = {"head": smallest(table if tied else tensors["lm_head.weight"])}
    for i in trange(config["num_hidden_layers"], desc="pack", unit="layer"):
        layer = Layer.of(tensors.below(f"model.layers.{i}."), smallest, heads, kv_heads)
        products |= {f"layers.{i}.{name}": getattr(layer, name) for name in PRODUCTS}
        found = {name: getattr(layer, name) for name in (*NORMS, *OPTIONAL)}
        state |= {f"layers.{i}.{name}": t for name, t in found.items() if t is not None}
    for name, product in products.items():
        state |= {f"{name}.{part}": tensor for part, tensor in kept_as(product).items()}
    return {name: tensor.contiguous() for name, tensor in state.items()}


def cache_key(folder: Path, corrections: Path | None) -> str:
    """A name for the packed file that changes whenever its contents would."""
    # The order in which int4 is packed depends on the kernel.
    kernel = torch.backends.cpu.get_cpu_capability()
    digest = hashlib.sha256(f"{LAYOUT} {kernel} {folder.resolve()}".encode())
    for file in sorted(folder.glob("*.safetensors")):
        known = file.stat()
        digest.update(f"{file.name} {known.st_size} {known.st_mtime_ns}".encode())
    if corrections is not None:
        digest.update(corrections.read_bytes())
    return digest.hexdigest()[:16]
