"""A step read together with others is the step read alone, whatever was done with the caches."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.llm.batching.cache import SPARE_STEPS
from antiphon.llm.batching.decoder import Step, batched

from .conftest import TOKENS, alone


def close(ours, theirs):
    """In float32: sums are added in another order."""
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def batch(llm):
    decoder = batched(llm)
    assert decoder is not None
    return decoder


token = st.integers(0, TOKENS - 1)
step = st.tuples(st.integers(0, 99), st.lists(token, min_size=1, max_size=5))
"""Which of the caches known is gone on from, and what is read."""


class Conversations:
    """All caches that were ever returned, each with what it has read."""

    def __init__(self, llm):
        self.llm, self.decoder = llm, batch(llm)
        self.table = llm.get_input_embeddings().weight
        self.known = [([], self.decoder.start())]

    def read(self, steps):
        """Read steps together and see that each is what it is alone."""
        asked = [(*self.known[which % len(self.known)], tokens) for which, tokens in steps]
        read = self.decoder([Step(self.table[tokens], cache) for _, cache, tokens in asked])
        for (before, _, tokens), got in zip(asked, read, strict=True):
            now = [*before, *tokens]
            assert got.cache.length == len(now)
            state, logits = alone(self.llm, now)
            close(got.state, state)
            close(got.logits, logits)
            self.known.append((now, got.cache))
        return [got.cache for got in read]


@given(st.lists(st.lists(step, min_size=1, max_size=4), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_whatever_is_read_together_is_as_if_read_alone(llm, rounds):
    conversations = Conversations(llm)
    for steps in rounds:
        conversations.read(steps)
    # What was read before is as it was.
    conversations.read([(which, [7]) for which in range(len(conversations.known))])


def test_who_stays_together_is_not_copied(llama):
    conversations = Conversations(llama)
    conversations.read([(0, [1, 2, 3]), (0, [4])])
    first, second = conversations.read([(1, [5]), (2, [6])])
    batch = first.row.place.batch
    for _ in range(4):
        end = len(conversations.known)
        conversations.read([(end - 1, [7]), (end - 2, [8])])  # in any order
    latest = [cache for _, cache in conversations.known[-2:]]
    assert all(cache.row.place.batch is batch for cache in (second, *latest))


def test_a_conversation_outgrows_its_room(llama):
    conversations = Conversations(llama)
    conversations.read([(0, [1]), (0, [2, 3])])
    for _ in range(3):
        end = len(conversations.known)
        long = [number % TOKENS for number in range(SPARE_STEPS // 2)]
        conversations.read([(end - 1, long), (end - 2, [5])])


def test_a_copy_is_shared_by_all_and_changed_by_nobody(llama):
    conversations = Conversations(llama)
    (cache,) = conversations.read([(0, [1, 2, 3])])
    kept = cache.sealed()
    conversations.known.append(([1, 2, 3], kept))
    assert kept.nbytes == cache.nbytes < cache.row.place.batch.keys.nbytes
    conversations.read([(2, [4]), (2, [5, 6]), (1, [7])])
    conversations.known.append(([1, 2], kept.first(2)))
    conversations.read([(len(conversations.known) - 1, [9])])
    assert kept.row.place.batch.rows == 1


def test_what_is_no_number_stays_in_its_own_conversation(llama):
    conversations = Conversations(llama)
    decoder, table = conversations.decoder, conversations.table
    good, bad = (
        read.cache
        for read in decoder(
            [Step(table[[1, 2]], decoder.start()), Step(table[[3]], decoder.start())]
        )
    )
    broken = torch.full((1, 32), math.nan)
    for _ in range(3):
        mine, theirs = decoder([Step(table[[4]], good), Step(broken, bad)])
        assert theirs.state.isnan().all()
        good, bad = mine.cache, theirs.cache
    state, _ = alone(llama, [1, 2, 4, 4, 4])
    close(mine.state, state)


def test_half_precision_is_close(llama):
    half = copy.deepcopy(llama).bfloat16()
    decoder, table = batch(half), half.get_input_embeddings().weight
    prompts = [[1, 2, 3, 4], [5], [6, 7]]
    read = decoder([Step(table[tokens], decoder.start()) for tokens in prompts])
    read = decoder([Step(table[[8]], each.cache) for each in read])
    for tokens, got in zip(prompts, read, strict=True):
        state, _ = alone(half, [*tokens, 8])
        assert torch.cosine_similarity(got.state, state.float(), 0) > 0.999


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_both_attentions_take_the_mask(llama, attention):
    llama.set_attn_implementation(attention)
    try:
        conversations = Conversations(llama)
        conversations.read([(0, [1, 2, 3]), (0, [4])])
        conversations.read([(1, [5]), (2, [6, 7])])
    finally:
        llama.set_attn_implementation("sdpa")


def test_windows_that_slide_cannot_be_padded(gemma):
    assert batched(gemma) is None
