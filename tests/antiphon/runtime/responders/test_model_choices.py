"""Which models answer a client, and how many are held for that."""

from __future__ import annotations

import gc
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from fake_choices import OWN, FakeChoices

from antiphon import weights
from antiphon.errors import UserError
from antiphon.runtime.responders import model_choices
from antiphon.runtime.responders.model_choices import Choice, Offer

LARGE = replace(OWN, llm="large")


class Client:
    pass


def test_everybody_is_answered_by_what_they_chose():
    choices, one, other = FakeChoices(), Client(), Client()
    choices.choose(one, replace(OWN, voice="amy"))
    answering: Any = choices.of(one)
    assert answering.text == "amy small s2t"
    answering = choices.of(other)
    assert answering.text == "joe small s2t"
    choices.choose(one, OWN)
    assert choices.of(one) is choices.of(other)


def test_a_language_model_is_loaded_once():
    choices, one, other = FakeChoices(), Client(), Client()
    choices.choose(one, replace(OWN, ears="cascade"))
    choices.choose(one, LARGE)
    choices.choose(other, replace(LARGE, ears="cascade"))
    assert [base for _, base in choices.loaded] == [OWN, None, LARGE]


def test_there_is_one_language_model_beside_the_server_s_own():
    choices, one, other = FakeChoices(), Client(), Client()
    choices.choose(one, LARGE)
    with pytest.raises(UserError, match="Somebody else talks with large"):
        choices.choose(other, replace(OWN, llm="broken"))
    with pytest.raises(UserError, match="damaged"):
        choices.choose(one, replace(OWN, llm="broken"))
    assert choices.chosen(one) == OWN


def test_who_is_gone_holds_nothing():
    choices, one, other = FakeChoices(), Client(), Client()
    choices.choose(one, LARGE)
    del one
    gc.collect()
    with pytest.raises(UserError, match="damaged"):
        choices.choose(other, replace(OWN, llm="broken"))


def test_what_is_not_offered_is_refused():
    choices, one = FakeChoices(), Client()
    for choice in (replace(OWN, llm="huge"), replace(OWN, voice="eve"), replace(OWN, ears="x")):
        with pytest.raises(UserError, match="is not offered here: choose"):
            choices.choose(one, choice)
    assert choices.loaded == []


def test_too_little_memory_is_one_sentence(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100 << 20))
    monkeypatch.setattr(model_choices, "size", lambda name: 300 << 20)
    choices, one = FakeChoices(), Client()
    with pytest.raises(UserError, match="large needs 300 MiB of memory, and 100 MiB are free"):
        choices.choose(one, LARGE)
    assert choices.chosen(one) == OWN


REAL = Choice("voice-joe", "smollm2-135m-instruct", "s2t")


def test_ready_offers_what_needs_no_download(empty_cache):
    offer = Offer.of(REAL)
    assert (offer.voices, offer.llms) == (("voice-joe",), ("smollm2-135m-instruct",))
    assert offer.ears == ("s2t", "cascade", "qwen3-asr", "drax")


def test_ready_offers_what_was_fetched(monkeypatch):
    monkeypatch.setattr(weights, "is_ready", lambda entry: entry.kind == "recognizer")
    assert "whisper-base" in Offer.of(REAL).ears


def test_names_offer_what_they_say():
    other = weights.named("language model")[-1]
    offer = Offer.of(REAL, f"whisper-base, {other},http://localhost:1/v1#m")
    assert offer.llms == (REAL.llm, other, "http://localhost:1/v1#m")
    assert offer.ears == ("s2t", "whisper-base")
    assert Offer.of(REAL, "none") == Offer((REAL.voice,), (REAL.llm,), (REAL.ears,))
    with pytest.raises(UserError, match="no model 'nonsense'"):
        Offer.of(REAL, "nonsense")
