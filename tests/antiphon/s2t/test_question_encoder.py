"""Loading ears and a language model at the same time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from antiphon.errors import UserError
from antiphon.s2t import question_encoder

MODEL: Any = "model"


@pytest.fixture
def ears(monkeypatch):
    """Ears that are registered for a test, by what loads them."""

    def register(load):
        monkeypatch.setattr(
            question_encoder.QUESTION_ENCODERS, "get", lambda name: load if name == "s2t" else None
        )

    return register


def test_ears_load_while_the_language_model_does(ears):
    ears_began = threading.Event()

    def load_ears(llm, recognizer):
        ears_began.set()
        return recognizer, llm()

    def load_llm():
        assert ears_began.wait(10)
        return MODEL

    ears(load_ears)
    both: object = question_encoder.load_both(load_llm, "s2t", "whisper-tiny.en")
    assert both == (MODEL, ("whisper-tiny.en", MODEL))


@pytest.mark.parametrize("asks", [True, False])
def test_a_language_model_that_cannot_be_loaded_is_what_is_said(ears, asks):
    ears(lambda llm, recognizer: llm() if asks else recognizer)

    def missing():
        raise UserError("There is no such model.")

    with pytest.raises(UserError, match="no such model"):
        question_encoder.load_both(missing, "s2t", "whisper-tiny.en")


def test_ears_that_cannot_be_loaded_are_what_is_said(ears):
    def missing(llm, recognizer):
        raise UserError("There are no such ears.")

    ears(missing)
    with pytest.raises(UserError, match="no such ears"):
        question_encoder.load_both(lambda: MODEL, "s2t", "whisper-tiny.en")
