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
from antiphon.compute import cpu_threads
from antiphon.llm import chat_template
from antiphon.llm.cpu.checkpoint_tensors import CheckpointTensors
from antiphon.llm.cpu.decoder import Cache, CpuDecoder
from antiphon.llm.cpu.decoder_graph import (
    HEAD,
    LAYER,
    NORM,
    DecoderShape,
    head_session,
    packed_layer,
    packed_product,
)
from antiphon.llm.cpu.opening_file import OpeningFile
from antiphon.llm.cpu.quantized import for_layers, smallest
from antiphon.llm.language_model import State
from antiphon.llm.prefix_cache import PrefixCache
from antiphon.llm.tokenizer import load_tokenizer
from antiphon_codecs.interruption import checkpoint

log = logging.getLogger(__name__)
LAYOUT = 6
"""Version of the folder's layout; raise it when it changes, so that models are packed again."""
TABLE = "table.safetensors"
"""The embeddings of the tokens."""
OPENING = "prompt.opening"
"""What was read of the first prompt."""
THREADS = min(4, cpu_threads.MOST)
"""Threads of a step: memory feeds no more."""
ARCHITECTURES = ("llama", "qwen2", "qwen3")


class CpuLanguageModel:
    """A language model that reads and writes with weights in few bits.

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
        self._table = load_file(folder / TABLE)["table"]
        self._read = PrefixCache(OpeningFile(folder / OPENING))
        # The largest matrix first: on the way it is kept twice.
        self._head = head_session(folder, config["hidden_size"], THREADS)
        self.stack = CpuDecoder(folder, decoder_shape(config), THREADS)

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

    def keep(self, tokens: Sequence[int], cache: Cache) -> None:
        """Let `start` go on from a cache that has read `tokens`."""
        self._read.keep(tokens, cache)

    def read(self, embeddings: torch.Tensor, cache: Cache) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""
        states, cache = self.stack.step(embeddings.float(), cache)
        checkpoint()
        (logits,) = self._head.run(None, {"x": states[None, -1:].numpy()})
        return states[-1], torch.from_numpy(logits[0, 0]), cache

    def follow(self, tokens: Sequence[int], cache: Cache) -> tuple[torch.Tensor, Cache]:
        """Logits [N, V] of what follows each of N tokens; the cache given stays as it is."""
        states, cache = self.stack.step(self.embeddings[list(tokens)].float(), cache)
        (logits,) = self._head.run(None, {"x": states[None].numpy()})
        return torch.from_numpy(logits[0]), cache

    def write(self, token: int, cache: Cache) -> State:
        """Read the token that was chosen."""
        return self.read(self.embeddings[[token]], cache)


def fits(config: Mapping[str, Any]) -> bool:
    """Whether a model is a plain Llama or Qwen whose heads the kernel takes."""
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    return (
        config["model_type"] in ARCHITECTURES
        and not config.get("use_sliding_window")
        and scaling.get("rope_type", "default") == "default"
        and not (config.get("attention_bias") or config.get("mlp_bias"))
        and decoder_shape(config).head % 16 == 0
    )


def decoder_shape(config: Mapping[str, Any]) -> DecoderShape:
    """Sizes of the decoder that a `config.json` describes."""
    heads, width = config["num_attention_heads"], config["hidden_size"]
    return DecoderShape(
        config["num_hidden_layers"],
        width,
        heads,
        config.get("num_key_value_heads") or heads,
        config.get("head_dim") or width // heads,
        rope_theta(config),
        config["rms_norm_eps"],
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
    table = tensors["model.embed_tokens.weight"]
    save_file({"table": table.bfloat16()}, folder / TABLE)
    tied = config.get("tie_word_embeddings") or "lm_head.weight" not in tensors
    head = smallest(table if tied else tensors["lm_head.weight"])
    save_file(packed_product("head", head), folder / HEAD)
    save_file({"norm": tensors["model.norm.weight"].float()}, folder / NORM)
    first = tensors.below("model.layers.0.")
    quantizer = for_layers(value for value in first.values() if value.ndim == 2)
    for i in trange(config["num_hidden_layers"], desc="pack", unit="layer"):
        layer = packed_layer(tensors.below(f"model.layers.{i}."), quantizer)
        save_file(layer, folder / LAYER.format(i))


def cache_key(folder: Path, corrections: Path | None) -> str:
    """A name for the packed folder that changes whenever its contents would."""
    digest = hashlib.sha256(f"{LAYOUT} {folder.resolve()}".encode())
    for file in sorted(folder.glob("*.safetensors")):
        known = file.stat()
        digest.update(f"{file.name} {known.st_size} {known.st_mtime_ns}".encode())
    if corrections is not None:
        digest.update(corrections.read_bytes())
    return digest.hexdigest()[:16]
