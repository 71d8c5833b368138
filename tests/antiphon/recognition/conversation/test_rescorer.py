"""A transcript is thought over where it is in doubt, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from antiphon.recognition.conversation import rescorer as module
from antiphon.recognition.conversation.rescorer import Rescorer
from antiphon.recognition.whisper.decoding import Transcript

TEXTS = {10: " Who", 11: " He", 12: " who", 13: " sang", 14: "?", 15: " sank"}
END = 20


class Tokens:
    """A tokenizer of six tokens."""

    def decode(self, tokens: list[int]) -> str:
        return "".join(TEXTS.get(token, f" x{token}") for token in tokens)


class Decoder:
    """Holds what `shares` says for likely in every place of a text."""

    end, prompt, allowed = END, [0, 30], torch.zeros(END + 1)

    def __init__(self, shares: list[dict[int, float]]) -> None:
        table = torch.full((len(shares), END + 1), 1e-6)
        for place, share in enumerate(shares):
            for token, part in share.items():
                table[place, token] = part
        self.table = table.log()

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return self.table

    def read(self, audio: Any, tokens: Any, behind: Any = None, request: Any = None) -> Transcript:
        return heard(tuple(tokens))


def heard(tokens: tuple[int, ...], mark: int | None = None) -> Transcript:
    many = len(tokens) + 1
    return Transcript(tokens, torch.zeros(many, 1), torch.zeros(many, 1), torch.zeros(many), 0.0,
                      mark=mark)  # fmt: skip


def revised(monkeypatch, shares, readings, likely, first=(11, 13), mark=None) -> Transcript:
    decoder, tokenizer = Decoder(shares), Tokens()
    monkeypatch.setattr(module, "likeliest", lambda *a, **k: readings)
    rescorer = Rescorer(decoder, tokenizer, lambda texts: [likely[text] for text in texts])  # type: ignore[arg-type]
    return rescorer.revise(torch.zeros(5, 1), heard(first, mark))


DOUBT = [{11: 0.5, 10: 0.4}, {13: 0.9}, {END: 0.9}]
READINGS = [((11, 13), -1.0), ((10, 13), -1.3)]


def test_what_makes_more_sense_is_taken_where_hearing_is_in_doubt(monkeypatch):
    found = revised(monkeypatch, DOUBT, READINGS, {"He sang": -20.0, "Who sang": -8.0})
    assert found.tokens == (10, 13)


def test_what_was_heard_stays_if_nothing_makes_more_sense(monkeypatch):
    found = revised(monkeypatch, DOUBT, READINGS, {"He sang": -8.0, "Who sang": -8.1})
    assert found.tokens == (11, 13)


def test_nobody_is_asked_where_hearing_is_sure(monkeypatch):
    sure = [{11: 0.9}, {13: 0.9}, {END: 0.9}]
    monkeypatch.setattr(module, "likeliest", lambda *a, **k: pytest.fail("searched"))
    found = Rescorer(Decoder(sure), Tokens(), lambda texts: []).revise(  # type: ignore[arg-type]
        torch.zeros(5, 1), heard((11, 13))
    )
    assert found.tokens == (11, 13)


def test_capitals_and_marks_are_no_doubt():
    split = [{10: 0.5, 12: 0.45}, {13: 0.9}, {END: 0.5, 14: 0.45}]
    rescorer = Rescorer(Decoder(split), Tokens(), lambda texts: [])  # type: ignore[arg-type]
    assert rescorer.doubtful(heard((10, 13))) is None
    assert Rescorer(Decoder(DOUBT), Tokens(), lambda texts: []).doubtful(heard((11, 13))) == 0  # type: ignore[arg-type]


def test_a_reading_that_leaves_words_out_is_none(monkeypatch):
    readings = [((11, 13, 13, 13), -1.0), ((10,), -0.1)]
    likely = {"He sang sang sang": -60.0, "Who": -1.0}
    shares = [*DOUBT[:1], {13: 0.9}, {13: 0.9}, {13: 0.9}, {END: 0.9}]
    assert revised(monkeypatch, shares, readings, likely, (11, 13, 13, 13)).tokens == (
        11,
        13,
        13,
        13,
    )


def test_another_language_is_left_alone(monkeypatch):
    likely = {"He sang": -20.0, "Who sang": -8.0}
    assert revised(monkeypatch, DOUBT, READINGS, likely, mark=77).tokens == (11, 13)
    assert revised(monkeypatch, DOUBT, READINGS, likely, mark=30).tokens == (10, 13)


def test_a_long_text_is_not_thought_over(monkeypatch):
    long = replace(heard((11, 13)), tokens=(11,) * (module.LONGEST + 1))
    rescorer = Rescorer(Decoder(DOUBT), Tokens(), lambda texts: [])  # type: ignore[arg-type]
    monkeypatch.setattr(rescorer, "doubtful", lambda heard: 0)
    assert rescorer.revise(torch.zeros(5, 1), long) is long
