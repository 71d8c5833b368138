"""Replies the language model writes itself, with the hidden states that wrote them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from antiphon.llm.chat_template import around, encode, ends
from antiphon.messages import Token

BATCH = 32
LONGEST = 48


@dataclass(frozen=True)
class OwnReply:
    """What the language model wrote, and what it was asked."""

    prompt: list[int]
    """Tokens up to where the reply begins."""
    tokens: list[Token]
    """With predictor states."""


def write(
    llm: Any,
    tokenizer: Any,
    questions: Sequence[str],
    count: int,
    seed: int = 0,
    longest: int = LONGEST,
) -> list[OwnReply]:
    """Greedy replies to `count` questions, tokens with predictor states.

    Prompts of one length share a batch, so nothing needs padding.

    Args:
        llm: a transformers causal language model.
        tokenizer: its tokenizer.
        questions: to draw from.
        count: how many replies.
        seed: of the draw.
        longest: tokens of a reply at most.
    """
    chosen = list(dict.fromkeys(questions))
    random.Random(seed).shuffle(chosen)
    before, after = around(tokenizer)
    prompts: dict[int, list[list[int]]] = {}
    for question in chosen[:count]:
        prompt = [*before, *encode(tokenizer, question), *after]
        prompts.setdefault(len(prompt), []).append(prompt)
    replies: list[OwnReply] = []
    with tqdm(total=min(count, len(chosen)), desc="replies", unit="reply") as bar:
        for group in prompts.values():
            for i in range(0, len(group), BATCH):
                replies += _batch(llm, tokenizer, group[i : i + BATCH], longest)
                bar.update(len(group[i : i + BATCH]))
    return [reply for reply in replies if reply.tokens]


@torch.inference_mode()
def guesses(
    llm: Any, tokenizer: Any, exchanges: Sequence[tuple[str, str]], seed: int = 0
) -> list[list[Token]]:
    """What the model would say next at every place of given replies, with the states that say so.

    Reading is many times faster than writing, and given replies hold more words than the model's
    own; a state belongs to the token it predicts, whichever one really follows.

    Args:
        llm: a transformers causal language model.
        tokenizer: its tokenizer.
        exchanges: questions and replies.
        seed: of their order.
    """
    before, after = around(tokenizer)
    rows = [
        ([*before, *encode(tokenizer, asked), *after], encode(tokenizer, told))
        for asked, told in exchanges
    ]
    rows = sorted((row for row in rows if row[1]), key=lambda row: len(row[0]) + len(row[1]))
    found: list[list[Token]] = []
    for i in tqdm(range(0, len(rows), BATCH), desc="guesses", unit="batch"):
        batch = [torch.tensor([*prompt, *told]) for prompt, told in rows[i : i + BATCH]]
        mask = pad_sequence([torch.ones_like(row) for row in batch], batch_first=True)
        states = llm.get_decoder()(
            input_ids=pad_sequence(batch, batch_first=True), attention_mask=mask, use_cache=False
        ).last_hidden_state
        for row, (prompt, told) in zip(states, rows[i : i + BATCH], strict=True):
            own = row[len(prompt) - 1 : len(prompt) + len(told)]
            ids = llm.get_output_embeddings()(own).argmax(-1).tolist()
            found.append([Token(t, "", h) for t, h in zip(ids, own.float(), strict=True)])
    random.Random(seed).shuffle(found)
    return found


@torch.inference_mode()
def _batch(llm: Any, tokenizer: Any, prompts: Sequence[list[int]], longest: int) -> list[OwnReply]:
    stops = ends(tokenizer, llm.config.eos_token_id)
    ids, cache = torch.tensor(prompts), None
    chosen: list[list[int]] = [[] for _ in prompts]
    states: list[list[torch.Tensor]] = [[] for _ in prompts]
    done = [False] * len(prompts)
    for _ in range(longest):
        out = llm.get_decoder()(input_ids=ids, past_key_values=cache, use_cache=True)
        cache, hidden = out.past_key_values, out.last_hidden_state[:, -1]
        tokens = llm.get_output_embeddings()(hidden).argmax(-1)
        for row, token in enumerate(tokens.tolist()):
            done[row] = done[row] or token in stops
            if not done[row]:
                chosen[row].append(token)
                states[row].append(hidden[row].float())
        if all(done):
            break
        ids = tokens[:, None]
    return [
        OwnReply(prompt, list(pieces(tokenizer, ids, hidden)))
        for prompt, ids, hidden in zip(prompts, chosen, states, strict=True)
    ]


def pieces(tokenizer: Any, ids: Sequence[int], hidden: Sequence[torch.Tensor]) -> Iterator[Token]:
    """Tokens with the characters each adds, as they stream."""
    sent = 0
    for n, (token, state) in enumerate(zip(ids, hidden, strict=True), 1):
        text = tokenizer.decode(ids[:n])
        new = "" if text.endswith("\N{REPLACEMENT CHARACTER}") else text[sent:]
        sent += len(new)
        yield Token(token, new, state)
