"""Pseudo units: replies spoken by the frozen stage-II generator, in batches of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from antiphon.llm.llama import Cache
from antiphon.t2c.plan import Clause
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.trigger import BreathTrigger, Trigger, WholeTrigger
from antiphon.t2c.unit_lm import UnitLM
from antiphon.training.corpora.voice.own_replies import OwnReply
from antiphon.training.jobs.voice.unit_lm import Example

BATCH = 32
"""Sentences per batch."""


@dataclass(frozen=True)
class EchoExample:
    """One sentence of a generated reply, as spoken by the stage-II generator."""

    speech: Example
    """Here `tokens` are indices into the reply, not into the vocabulary."""
    cut: int
    """Sounds in the first segment cut by the trigger; all sounds if it is the only segment."""
    ids: NDArray[np.int64]
    """[T] token ids of the reply, up to the last one this sentence uses."""
    hidden: NDArray[np.float16]
    """[T, H] their predictor states."""
    prompt: NDArray[np.int64]
    """Tokens before the reply."""


@dataclass(frozen=True)
class Sentence:
    """A sentence to be spoken."""

    clauses: list[Clause]
    owners: list[int]
    """Index of the reply token of each sound."""
    reply: OwnReply
    end: int
    """One past the last token of the first segment."""


@torch.inference_mode()
def pseudo(
    model: TextToCodec,
    replies: Iterable[OwnReply],
    *,
    trigger: Trigger | None = None,
    whole: bool = False,
    liveliness: float = 0.5,
    seed: int = 0,
) -> list[EchoExample]:
    """Generate pseudo units for replies, one example per sentence.

    Args:
        model: the stage-II generator; speaks from token embeddings.
        replies: of the language model.
        trigger: cuts the replies into segments; None for `BreathTrigger`.
        whole: speak every reply in one go, so that the units know what comes after a segment.
        liveliness: of the sampled lengths.
        seed: of the sampled lengths.
    """
    chance = torch.Generator().manual_seed(seed)
    waiting: list[Sentence] = []
    for reply in tqdm(replies, desc="plan", unit="reply"):
        state, first = model.start(), 0
        segments = list((trigger or BreathTrigger()).cut(reply.tokens))
        ends = list(accumulate(len(segment.tokens) for segment in segments))
        for segment in WholeTrigger().cut(reply.tokens) if whole else segments:
            plan, state = model.plan(
                segment, state, source="text", liveliness=liveliness, generator=chance
            )
            for clause in plan.clauses:
                if clause.fresh:
                    end = next(end for end in ends if end > first + clause.tokens[0])
                    waiting.append(Sentence([], [], reply, end))
                waiting[-1].clauses.append(clause)
                waiting[-1].owners.extend(first + token for token in clause.tokens)
            first += len(segment.tokens)
    # Sentences of similar length finish together.
    waiting.sort(key=lambda s: sum(len(c.condition) for c in s.clauses))
    examples = []
    for i in tqdm(range(0, len(waiting), BATCH), desc="pseudo units", unit="batch"):
        batch = waiting[i : i + BATCH]
        spoken = speak_many(model.lm, [s.clauses for s in batch], model.word_lengths)
        examples += [
            _example(s, words, model.word_lengths) for s, words in zip(batch, spoken, strict=True)
        ]
    return examples


def speak_many(
    lm: UnitLM, sentences: Sequence[Sequence[Clause]], lengths: torch.Tensor
) -> list[list[int]]:
    """Decode unit words greedily for a batch of sentences; equals `UnitLM.speak` for each.

    Args:
        lm: the unit LM.
        sentences: the clauses of each sentence.
        lengths: [words] units per word.
    """
    seen = nn.utils.rnn.pad_sequence(
        [torch.cat([lm.see(c.condition) for c in clauses]) for clauses in sentences],
        batch_first=True,
    )
    # Units left in the clause at each unit: no word may cross the end of a clause.
    room = nn.utils.rnn.pad_sequence(
        [
            torch.cat([torch.arange(len(c.condition), 0, -1) for c in clauses])
            for clauses in sentences
        ],
        batch_first=True,
    )
    totals = (room > 0).sum(1)
    at = torch.zeros(len(sentences), dtype=torch.long)
    previous = torch.full_like(at, lm.start_id)
    words: list[list[int]] = [[] for _ in sentences]
    cache: Cache = ()
    position = 0
    rows = torch.arange(len(sentences))
    while (at < totals).any():
        where = torch.minimum(at, totals - 1)
        x = lm.embed_tokens(previous) + seen[rows, where]
        y, cache = lm.model(x[:, None], cache, position)
        logits = lm.lm_head(y[:, 0]).float()
        previous = logits.masked_fill(lengths > room[rows, where][:, None], -torch.inf).argmax(-1)
        for row in (at < totals).nonzero().flatten().tolist():
            words[row].append(int(previous[row]))
        at = at + lengths[previous]
        position += 1
    return words


def _example(sentence: Sentence, words: Sequence[int], lengths: torch.Tensor) -> EchoExample:
    owners = np.array(sentence.owners, np.int64)
    used = int(owners.max()) + 1
    spans = lengths.numpy()[np.array(words)]
    return EchoExample(
        Example(
            np.array([s for c in sentence.clauses for s in c.sounds], np.int64),
            np.array([n for c in sentence.clauses for n in c.lengths], np.int64),
            owners,
            np.array(words, np.int64),
            spans.cumsum() - spans,
        ),
        int((owners < sentence.end).sum()),
        np.array([token.id for token in sentence.reply.tokens[:used]], np.int64),
        torch.stack([token.hidden for token in sentence.reply.tokens[:used]]).half().numpy(),
        np.array(sentence.reply.prompt, np.int64),
    )
