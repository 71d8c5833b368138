"""How a conversation is written for the language model.

SmolLM2 answers better, and sooner, without its default system line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.messages import Turn

QUESTION_MARKER = "<|antiphon question|>"
"""Stands for the question while a foreign chat template is cut around it."""


def split_at_question(tokenizer: Any, history: Sequence[Turn] = ()) -> tuple[list[int], list[int]]:
    """Tokens in front of the next question and after it, up to where the reply begins.

    Args:
        tokenizer: of the language model (transformers).
        history: the turns before.
    """
    if token_id(tokenizer, "<|im_start|>") is not None:
        before = "".join(f"<|im_start|>{t.role}\n{t.text}<|im_end|>\n" for t in history)
        before, after = before + "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
    else:
        messages = [{"role": turn.role, "content": turn.text} for turn in history]
        messages.append({"role": "user", "content": QUESTION_MARKER})
        whole = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        before, after = whole.split(QUESTION_MARKER)
    return encode(tokenizer, before), encode(tokenizer, after)


def encode(tokenizer: Any, text: str) -> list[int]:
    """Tokens of `text` without any the tokenizer would add."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def stop_tokens(tokenizer: Any, given: int | Sequence[int] | None = None) -> frozenset[int]:
    """Tokens that end a reply: those of the tokenizer, and those its model's config names."""
    found = {given} if isinstance(given, int) else set(given or ())
    marks = (token_id(tokenizer, mark) for mark in ("<|im_end|>", "<|eot_id|>"))
    return frozenset(i for i in (*found, *marks, tokenizer.eos_token_id) if i is not None)


def token_id(tokenizer: Any, mark: str) -> int | None:
    """The token spelled `mark`, if there is one; listing the vocabulary would take 30 ms."""
    ids = encode(tokenizer, mark)
    return ids[0] if len(ids) == 1 and tokenizer.decode(ids) == mark else None
