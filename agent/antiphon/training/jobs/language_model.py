"""Stage I, the language model: it learns to answer as one speaks, from written questions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from antiphon.llm import chat_template, lora
from antiphon.training.corpora import spoken_replies
from antiphon.training.loop import Schedule, fit

HELD_OUT = 40
"""Replies written by hand that no one learns."""


def load_llm(folder: Path) -> tuple[Any, Any]:
    """Frozen language model (bfloat16) and tokenizer of a transformers folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    llm = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    return llm.requires_grad_(False), AutoTokenizer.from_pretrained(folder)


@dataclass(frozen=True)
class Exchange:
    """A question and its reply as tokens."""

    question: list[int]
    """As written."""
    reply: list[int]
    """With the end mark."""


class Texts:
    """Exchanges to learn from, drawn by step.

    Args:
        pools: question and reply pairs, with the share of each pool.
        tokenizer: of the language model.
    """

    def __init__(
        self, pools: Sequence[tuple[list[tuple[str, str]], float]], tokenizer: Any
    ) -> None:
        self.pools, self.tokenizer = pools, tokenizer
        self.before, self.after = chat_template.split_at_question(tokenizer)
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def exchange(self, question: str, reply: str) -> Exchange:
        """The tokens of a pair."""
        encode = chat_template.encode
        return Exchange(
            encode(self.tokenizer, question), [*encode(self.tokenizer, reply), self.end]
        )

    def batch(self, step: int, size: int, seed: int = 0) -> list[Exchange]:
        """`size` exchanges of `step`; a pool is gone through once before it repeats."""
        found = []
        for pool, share in self.pools:
            count = round(size * share)
            for i in range(step * count, (step + 1) * count):
                order = drawn(len(pool), i // len(pool), seed)
                found.append(self.exchange(*pool[order[i % len(pool)]]))
        return found


_orders: dict[tuple[int, int, int], list[int]] = {}


def drawn(count: int, epoch: int, seed: int) -> list[int]:
    """The order in which `count` things are taken in an epoch."""
    key = (count, epoch, seed)
    if key not in _orders:
        _orders[key] = random.Random(f"{seed} {epoch}").sample(range(count), count)
    return _orders[key]


def reply_logits(
    llm: Any,
    before: list[int],
    after: list[int],
    asked: Sequence[torch.Tensor],
    told: Sequence[list[int]],
) -> torch.Tensor:
    """[N, V] what is predicted for the tokens of all replies, float32.

    Args:
        llm: a causal language model.
        before: tokens in front of every question.
        after: tokens behind it.
        asked: embeddings [S, H] of the questions.
        told: tokens of the replies.
    """
    table = llm.get_input_embeddings()
    head, tail = table(torch.tensor(before)), table(torch.tensor(after))
    rows = [
        torch.cat([head, x, tail, table(torch.tensor(reply[:-1], dtype=torch.long))])
        for x, reply in zip(asked, told, strict=True)
    ]
    lengths = [len(row) for row in rows]
    mask = pad_sequence([torch.ones(n, dtype=torch.long) for n in lengths], batch_first=True)
    states = llm.model(
        inputs_embeds=pad_sequence(rows, batch_first=True), attention_mask=mask, use_cache=False
    ).last_hidden_state
    spoken = torch.cat(
        [row[n - len(r) : n] for row, n, r in zip(states, lengths, told, strict=True)]
    )
    logits: torch.Tensor = llm.lm_head(spoken).float()
    return logits


def reply_loss(
    llm: Any,
    before: list[int],
    after: list[int],
    asked: Sequence[torch.Tensor],
    told: Sequence[list[int]],
) -> torch.Tensor:
    """Mean cross entropy of the replies; arguments as of `reply_logits`."""
    logits = reply_logits(llm, before, after, asked, told)
    return F.cross_entropy(logits, torch.tensor([t for reply in told for t in reply]))


def upper_half(llm: Any) -> dict[str, lora.LoRA]:
    """Corrections of the upper half of the blocks, which is where manner lives; not trained yet."""
    return lora.attach(llm, first=llm.config.num_hidden_layers // 2)


def stage_one(data: Path, tokenizer: Any) -> Texts:
    """What the language model learns to answer: by hand, and trivia; the first 40 are held out."""
    return Texts(
        [(spoken_replies.written()[HELD_OUT:], 0.625), (spoken_replies.trivia(data), 0.375)],
        tokenizer,
    )


def reply(
    llm_folder: Path,
    data: Path,
    out: Path,
    *,
    steps: int = 500,
    batch: int = 8,
    minutes: float | None = None,
    seed: int = 0,
) -> None:
    """Train the LoRA (upper half of the blocks) on written questions: `out/lora.safetensors`."""
    llm, tokenizer = load_llm(llm_folder)
    corrections = upper_half(llm)
    texts = stage_one(data, tokenizer)
    held_out = [texts.exchange(*pair) for pair in spoken_replies.written()[:HELD_OUT]]
    table = llm.get_input_embeddings()

    def ce(exchanges: list[Exchange]) -> torch.Tensor:
        asked = [table(torch.tensor(e.question)) for e in exchanges]
        return reply_loss(llm, texts.before, texts.after, asked, [e.reply for e in exchanges])

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        return {"loss": ce(texts.batch(step, batch, seed))}

    def evaluate() -> Mapping[str, float]:
        lora.save(corrections, out / "lora.safetensors")
        return {"ce": ce(held_out).item()}

    fit(
        llm,
        losses,
        Schedule(steps=steps, lr=8e-4, warmup=10, weight_decay=0.0),
        out,
        minutes=minutes,
        seed=seed,
        save_every=20,
        evaluate=evaluate,
        evaluate_every=20,
    )
    lora.save(corrections, out / "lora.safetensors")
