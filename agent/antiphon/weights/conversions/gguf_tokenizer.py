"""The byte-level BPE tokenizer that a GGUF file describes -> Hugging Face's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
"""GGUF's types of tokens that steer the model and are never text, of those that are matched whole,
and of those that only fill up the vocabulary."""
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Where Qwen cuts a text into words (Qwen2 technical report, section 2.1)."""


def write(fields: Mapping[str, Any], target: Path) -> None:
    """Writes the tokenizer's files.

    Args:
        fields: the file's metadata by name.
        target: the model's folder.

    Raises:
        KeyError: the vocabulary is not there.
        ValueError: its words are cut in a way that is not known here.
    """
    from tokenizers import AddedToken, Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    kinds: list[int] = fields["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    kept = {t: i for i, t in enumerate(tokens) if kinds[i] != UNUSED}
    cut = fields.get("tokenizer.ggml.pre", "smollm")
    if cut not in PRE_TOKENIZERS:
        raise ValueError(
            f"the file's tokenizer cuts words as {cut} does, which is not known here: give the "
            "model's own folder or hub id instead."
        )
    tokenizer = Tokenizer(models.BPE(vocab=kept, merges=merges))
    PRE_TOKENIZERS[cut](tokenizer)
    added = [
        AddedToken(token, special=kind == CONTROL, normalized=False)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind in (CONTROL, USER_DEFINED)
    ]
    tokenizer.add_tokens(added)

    def named(role: str) -> str | None:
        index = fields.get(f"tokenizer.ggml.{role}_token_id")
        return None if index is None else tokens[index]

    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=named("bos"),
        eos_token=named("eos"),
        pad_token=named("padding"),
        unk_token=named("unknown"),
        chat_template=fields["tokenizer.chat_template"],
        clean_up_tokenization_spaces=False,
    ).save_pretrained(target)


def _digits_apart(tokenizer: Any) -> None:
    """SmolLM's words: GPT-2's, with digits apart from each other."""
    from tokenizers import decoders, pre_tokenizers

    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(False)])
    tokenizer.decoder = decoders.ByteLevel()


def _qwen(tokenizer: Any) -> None:
    """Qwen's words, in composed Unicode."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    tokenizer.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(QWEN), "isolated")
    rest = pre_tokenizers.ByteLevel(False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, rest])
    tokenizer.decoder = decoders.ByteLevel()


PRE_TOKENIZERS: dict[str, Callable[[Any], None]] = {
    "smollm": _digits_apart,
    "default": _digits_apart,
    "qwen2": _qwen,
}
"""How words are cut, by GGUF's name for it."""
