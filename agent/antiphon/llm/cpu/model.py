"""A Llama or Qwen in few bits for a CPU: LoRA merged, packed into a folder.

Packing takes seconds and is done once for a model and its corrections; the folder lies in the
cache. It has a file for every layer, so that packing and loading need little memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from tqdm import trange

from antiphon import weights
from antiphon.llm import chat_template
from antiphon.llm.cpu.checkpoint_tensors import CheckpointTensors
from antiphon.llm.cpu.decoder import Cache, CpuDecoder, Layer
from antiphon.llm.cpu.prefix_cache import PrefixCache
from antiphon.llm.cpu.quantized import int4_weights, kept_as, restored, smallest
from antiphon.llm.language_model import State
from antiphon.llm.tokenizer import load_tokenizer

log = logging.getLogger(__name__)
LAYOUT = 4
"""Version of the folder's layout; raise it when it changes, so that models are packed again."""
ENDS, HEAD, LAYER = "ends.safetensors", "head.safetensors", "layer-{:03}.safetensors"
OPENING = "prompt.opening"
"""What was read of the first prompt."""
PRODUCTS = ("qkv", "out", "gate_up", "down")
NORMS = ("before", "between")
OPTIONAL = ("bias", "head_gain")
"""What not every architecture has."""
ARCHITECTURES = ("llama", "qwen2", "qwen3")


class CpuLanguageModel:
    """A language model that reads and writes with int8 and int4 weights.

    Args:
        folder: what `pack` made.
        config: of the model, as transformers keeps it.
        tokenizer: its tokenizer.
        name: what it was loaded by.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, Any], tokenizer: Any, name: str = ""
    ) -> None:
        from safetensors.torch import load_file

        self.folder, self.tokenizer, self.name = folder, tokenizer, name
        self.stop_tokens = chat_template.stop_tokens(tokenizer, config.get("eos_token_id"))
        heads, width = config["num_attention_heads"], config["hidden_size"]

        def layer(number: int) -> Layer:
            state = load_file(folder / LAYER.format(number))
            if any(map(int4_weights, state)):
                # The kernel keeps them in an order of its own. What else is taken out of the file
                # as it lies there would keep the whole of it in memory.
                state = {n: t if int4_weights(n) else t.clone() for n, t in state.items()}
            products = (restored(state, name) for name in PRODUCTS)
            others = (state.get(name) for name in (*NORMS, *OPTIONAL))
            return Layer(*products, *others)  # type: ignore[arg-type]

        # One after another: side by side, the copies that each makes on the way would add up.
        layers = tuple(map(layer, range(config["num_hidden_layers"])))
        self.head = restored(load_file(folder / HEAD), "head")
        ends = load_file(folder / ENDS)
        self._table = ends["table"]
        self._read = PrefixCache(folder / OPENING)
        self.stack = CpuDecoder(
            layers,
            ends["norm"],
            heads,
            config.get("num_key_value_heads") or heads,
            config.get("head_dim") or width // heads,
            rope_theta(config),
            config["rms_norm_eps"],
        )

    @property
    def embeddings(self) -> torch.Tensor:
        """[V, H] bfloat16 embeddings of the tokens."""
        return self._table

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The packed tensors, each read when it is asked for."""
        return CheckpointTensors(self.folder)

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
    config = json.loads((folder / "config.json").read_text("utf-8"))
    packed = weights.cache() / "packed" / cache_key(folder, corrections)
    packed.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(packed.with_suffix(".lock")):
        if not packed.exists():
            log.info("Packing %s for a CPU, once…", folder.name)
            part = packed.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            pack(CheckpointTensors(folder, corrections), config, part)
            part.replace(packed)
    return CpuLanguageModel(packed, config, load_tokenizer(folder), name)


def pack(tensors: CheckpointTensors, config: Mapping[str, Any], folder: Path) -> None:
    """Write the files of a packed model.

    Args:
        tensors: of the model.
        config: its `config.json`.
        folder: to be made.
    """
    from safetensors.torch import save_file

    folder.mkdir()
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    table = tensors["model.embed_tokens.weight"]
    norm = tensors["model.norm.weight"]
    save_file({"table": table.bfloat16(), "norm": norm.float()}, folder / ENDS)
    tied = config.get("tie_word_embeddings") or "lm_head.weight" not in tensors
    head = smallest(table if tied else tensors["lm_head.weight"])
    save_file(kept_as(head, "head"), folder / HEAD)
    for i in trange(config["num_hidden_layers"], desc="pack", unit="layer"):
        layer = Layer.of(tensors.below(f"model.layers.{i}."), smallest, heads, kv_heads)
        state = {name: getattr(layer, name) for name in (*NORMS, *OPTIONAL)}
        state = {name: t.contiguous() for name, t in state.items() if t is not None}
        for name in PRODUCTS:
            state |= kept_as(getattr(layer, name), name)
        save_file(state, folder / LAYER.format(i))


def cache_key(folder: Path, corrections: Path | None) -> str:
    """A name for the packed folder that changes whenever its contents would."""
    digest = hashlib.sha256(f"{LAYOUT} {folder.resolve()}".encode())
    for file in sorted(folder.glob("*.safetensors")):
        known = file.stat()
        digest.update(f"{file.name} {known.st_size} {known.st_mtime_ns}".encode())
    if corrections is not None:
        digest.update(corrections.read_bytes())
    return digest.hexdigest()[:16]
