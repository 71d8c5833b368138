"""Stage I, the language model: it learns spoken-style replies from written questions."""

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
from antiphon.training.corpora.voice import spoken_replies
from antiphon.training.loop import Schedule, fit

HELD_OUT_REPLIES = 40
"""Number of hand-written replies that are held out."""


def load_llm(folder: Path) -> tuple[Any, Any]:
    """Frozen language model (bfloat16) and tokenizer of a transformers folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    llm = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    return llm.requires_grad_(False), AutoTokenizer.from_pretrained(folder)


@dataclass(frozen=True)
class Exchange:
    """Token ids of a question and its reply."""

    question: list[int]
    """Question tokens."""
    reply: list[int]
    """Reply tokens, including the end token."""


class Texts:
    """Training exchanges, drawn by step.

    Args:
        pools: question and reply pairs, and the share of each pool.
        tokenizer: of the language model.
    """

    def __init__(
        self, pools: Sequence[tuple[list[tuple[str, str]], float]], tokenizer: Any
    ) -> None:
        self.pools, self.tokenizer = pools, tokenizer
        self.before, self.after = chat_template.split_at_question(tokenizer)
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def exchange(self, question: str, reply: str) -> Exchange:
        """Tokenize a pair."""
        encode = chat_template.encode
        return Exchange(
            encode(self.tokenizer, question), [*encode(self.tokenizer, reply), self.end]
        )

    def batch(self, step: int, size: int, seed: int = 0) -> list[Exchange]:
        """About `size` exchanges for `step`; each pool is used up once before it repeats."""
        found = []
        for pool, share in self.pools:
            count = round(size * share)
            for i in range(step * count, (step + 1) * count):
                order = drawn(len(pool), i // len(pool), seed)
                found.append(self.exchange(*pool[order[i % len(pool)]]))
        return found


_orders: dict[tuple[int, int, int], list[int]] = {}


def drawn(count: int, epoch: int, seed: int) -> list[int]:
    """A random permutation of `count` items for an epoch, cached."""
    key = (count, epoch, seed)
    if key not in _orders:
        _orders[key] = random.Random(f"{seed} {epoch}").sample(range(count), count)
    return _orders[key]


def reply_logits(
    llm: Any,
    before: list[int],
    after: list[int],
    asked: Sequence[torch.Tensor],
    replies: Sequence[list[int]],
) -> torch.Tensor:
    """Logits [N, V] for the tokens of all replies, float32.

    Args:
        llm: a causal language model.
        before: prompt tokens before each question.
        after: prompt tokens after it.
        asked: embeddings [S, H] of each question.
        replies: tokens of each reply.
    """
    table = llm.get_input_embeddings()
    where = table.weight.device

    def read(ids: list[int]) -> torch.Tensor:
        found: torch.Tensor = table(torch.tensor(ids, dtype=torch.long, device=where))
        return found

    head, tail = read(before), read(after)
    rows = [
        torch.cat([head, x.to(where), tail, read(reply[:-1])])
        for x, reply in zip(asked, replies, strict=True)
    ]
    lengths = [len(row) for row in rows]
    mask = pad_sequence([torch.ones(n, dtype=torch.long) for n in lengths], batch_first=True)
    states = llm.get_decoder()(
        inputs_embeds=pad_sequence(rows, batch_first=True),
        attention_mask=mask.to(where),
        use_cache=False,
    ).last_hidden_state
    spoken = torch.cat(
        [row[n - len(r) : n] for row, n, r in zip(states, lengths, replies, strict=True)]
    )
    logits: torch.Tensor = llm.get_output_embeddings()(spoken).float().cpu()
    return logits


def reply_loss(
    llm: Any,
    before: list[int],
    after: list[int],
    asked: Sequence[torch.Tensor],
    replies: Sequence[list[int]],
) -> torch.Tensor:
    """Mean cross entropy of the replies; arguments as in `reply_logits`."""
    logits = reply_logits(llm, before, after, asked, replies)
    return F.cross_entropy(logits, torch.tensor([t for reply in replies for t in reply]))


def upper_half(llm: Any) -> dict[str, lora.LoRA]:
    """Attach an untrained LoRA to the upper half of the blocks, which determines style."""
    return lora.attach(llm, first=llm.config.num_hidden_layers // 2)


def stage_one(data: Path, tokenizer: Any) -> Texts:
    """Training exchanges: trivia, and hand-written ones without the 40 held out."""
    return Texts(
        [
            (spoken_replies.written()[HELD_OUT_REPLIES:], 0.625),
            (spoken_replies.trivia(data), 0.375),
        ],
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
    held_out = [texts.exchange(*pair) for pair in spoken_replies.written()[:HELD_OUT_REPLIES]]
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
