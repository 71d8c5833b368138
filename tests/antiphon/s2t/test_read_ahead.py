"""A question read while it is spoken gives the reply of one that is read afterwards."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.s2t.read_ahead import AT_ONCE, HELD_BACK, ReadAhead


class Reader:
    """A language model that remembers what it has read."""

    embeddings = torch.arange(10.0)[:, None]

    def __init__(self):
        self.read_rows = 0

    def read(self, embeddings, cache):
        self.read_rows += len(embeddings)
        return None, None, (*cache, *embeddings[:, 0].tolist())


def reader() -> Any:
    return Reader()


def rows(numbers):
    return torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1)


questions = st.lists(st.integers(0, 2), max_size=12)


@given(st.lists(questions, max_size=6), questions.filter(len))
@settings(max_examples=300, deadline=None)
def test_whatever_was_heard_before_the_whole_question_is_read_once(before, last):
    ahead = ReadAhead(reader(), ("front",))
    for heard in before:
        ahead.offer(rows(heard))
    cache, rest = ahead.rest(rows(last))
    assert (*cache, *rest[:, 0].tolist()) == ("front", *last)
    assert len(rest)


def test_what_two_hearings_agree_on_is_not_read_again():
    model = reader()
    ahead = ReadAhead(model, ())
    spoken = list(range(10))
    ahead.offer(rows(spoken[:8]))
    assert model.read_rows == 0  # a single hearing may be wrong
    ahead.offer(rows(spoken))
    assert model.read_rows == 8 - HELD_BACK >= AT_ONCE
    _, rest = ahead.rest(rows(spoken))
    assert len(rest) == 4


def test_a_question_that_begins_otherwise_is_read_from_its_beginning():
    model = reader()
    ahead = ReadAhead(model, ())
    for _ in range(2):
        ahead.offer(rows([1] * 9))
    for _ in range(2):
        ahead.offer(rows([2] * 9))
    cache, rest = ahead.rest(rows([2] * 10))
    assert (*cache, *rest[:, 0].tolist()) == (2,) * 10 and len(rest) < 10


@pytest.mark.parametrize("ears", ["s2t", "cascade"])
def test_a_reply_is_the_same_whether_the_question_was_read_ahead(model, ears, monkeypatch):
    from antiphon.s2t.question_encoder import Question
    from antiphon.s2t.speech_to_text import SpeechToText

    table, text = model.llm.embeddings, "what is the capital of France"

    class Encoder:
        """Hears a letter more with every sample."""

        def start(self):
            return 0

        def feed(self, pcm, state):
            return state + len(pcm)

        def heard(self, state):
            return self.finish(state)

        def finish(self, state):
            said = text[:state]
            ids = model.llm.tokenizer(said, add_special_tokens=False)["input_ids"]
            return Question(said, table[ids] if ears == "s2t" else None)

    s2t = SpeechToText(model.llm, Encoder())
    stream = s2t.start()
    for _ in text:
        stream.feed(torch.zeros(1).numpy())
    cache, rest = stream.unread(stream.finish())
    assert cache is not stream.front.cache and len(rest) < len(text) / 2
    told = [token.id for token in s2t.reply(stream, max_tokens=8)]
    assert told == [token.id for token in s2t.reply(text, max_tokens=8)]
