"""Sentences about results: what a language model may say, and when the plain one stays."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_llm import byte_tokenizer

from antiphon.tools.phrases import no_phrase, plain
from antiphon.tools.result_phrasing import ResultPhraser, faithful, leaves, phrasing, spoken

BATTERY = {"percent": 87, "minutes_left": 212, "charging": False}


class Writes:
    """A language model that always writes the same."""

    name = "parrot"
    stop_tokens = frozenset({255})
    embeddings = torch.zeros(256, 1)

    def __init__(self, text: str) -> None:
        inner = byte_tokenizer()
        self.tokenizer = SimpleTokenizer(inner)
        self.text = [*inner.encode(text).ids, 255]

    def start(self, tokens):
        return None

    def read(self, embeddings, cache):
        return None, self.one_hot(0), 1

    def write(self, token, cache):
        return None, self.one_hot(cache), cache + 1

    def one_hot(self, place):
        return torch.eye(256)[self.text[place]]


def phraser(text: str, seconds: float = 60.0) -> ResultPhraser:
    writes: Any = Writes(text)
    return ResultPhraser(writes, seconds)


class SimpleTokenizer:
    eos_token_id = None
    chat_template = ""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, text, add_special_tokens=False):
        return {"input_ids": self.inner.encode(text).ids}

    def decode(self, ids, skip_special_tokens=False):
        return self.inner.decode(ids)

    def apply_chat_template(self, messages, **more):
        return "".join(f"{m['role']}: {m['content']}\n" for m in messages)


def test_a_sentence_that_holds_the_whole_result_is_said():
    said = "87 percent are left, enough for 212 minutes."
    assert phraser(said).sentence("how full is it", BATTERY) == said


@pytest.mark.parametrize(
    "written",
    [
        "",
        "87 percent are left.",
        "87 percent are left, enough for 212 minutes or 3 hours.",
        "87 percent are left. 212 minutes, that is 212 of them.",
        "My battery has 87 percent and 212 minutes.",
        "87 percent, 212 minutes" + " and so on" * 9,
    ],
)
def test_a_sentence_that_leaves_out_or_adds_something_is_not_said(written):
    assert phraser(written).sentence("how full is my battery", BATTERY) is None


def test_a_slow_language_model_is_not_waited_for():
    said = "87 percent are left, enough for 212 minutes."
    assert phraser(said, seconds=0.0).sentence("how full is it", BATTERY) is None


@pytest.mark.parametrize("value", [None, True, 21, "It is warm.", {}, {"open": True}, ["a"]])
def test_what_is_a_sentence_already_is_not_phrased(value):
    assert phraser("It is.").sentence("is it open", value) is None


def test_a_language_model_that_was_never_measured_phrases_nothing():
    assert phrasing(None) is no_phrase
    assert phrasing(SimpleNamespace(name="unknown")) is no_phrase


VALUES = st.dictionaries(
    st.sampled_from("abcdef"), st.integers(0, 999) | st.text("xyz ", min_size=1, max_size=9)
)


@given(VALUES, st.text(max_size=30))
def test_whatever_is_said_holds_every_value(value, written):
    if faithful(written, "tell me", value):
        assert all(plain(leaf).lower() in written.lower() for leaf in leaves(value) if spoken(leaf))


@given(VALUES, st.integers(1000, 9999))
def test_a_number_out_of_nowhere_is_never_said(value, number):
    held = ", ".join(plain(leaf) for leaf in leaves(value))
    assert not faithful(f"It is {held} and {number}.", "tell me", value)
