"""Replies that are kept and spoken."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from antiphon.evaluation import spoken_replies
from antiphon.messages import Token
from antiphon.t2c.trigger import WholeTrigger


def written(text: str) -> spoken_replies.Reply:
    return tuple(Token(i, f" {word}", torch.zeros(8)) for i, word in enumerate(text.split()))


def test_replies_are_kept_for_the_same_model_and_prompts(tiny_agent, tmp_path, monkeypatch):
    s2t = tiny_agent.s2t
    known = {"weight": torch.ones(2, 2)}
    s2t.llm = SimpleNamespace(weights=lambda: known)
    first = spoken_replies.replies(s2t, ["a", "b"], tmp_path)
    monkeypatch.setattr(s2t, "reply", lambda *a, **k: pytest.fail("written again"))

    again = spoken_replies.replies(s2t, ["a", "b"], tmp_path)

    assert [spoken_replies.text_of(reply) for reply in again] == ["I am a voice. Ask me!"] * 2
    assert [t.id for t in again[1]] == [t.id for t in first[1]]
    torch.testing.assert_close(again[1][2].hidden, first[1][2].hidden)
    monkeypatch.undo()
    monkeypatch.setattr(s2t, "prompt", lambda: ([1], []))
    spoken_replies.replies(s2t, ["a", "b"], tmp_path)
    assert len(list(tmp_path.glob("replies-*.pt"))) == 2, "another style, other replies"
    key = spoken_replies.fingerprint(known, ["a"])
    known["weight"] += 1
    assert (
        spoken_replies.fingerprint(known, ["a"]) != key != spoken_replies.fingerprint(known, ["b"])
    )


def test_the_whole_trigger_waits_for_the_end():
    reply = written("a b c")
    (segment,) = WholeTrigger().cut(iter(reply))
    assert segment.tokens == reply and segment.final
    assert not list(WholeTrigger().cut([]))


def test_a_voice_that_reads_the_text_alone_has_one_path(tiny_agent):
    assert [*spoken_replies.paths(tiny_agent)] == ["hidden", "text"]
    tiny_agent.voice.join = SimpleNamespace(adapter=None)
    assert [*spoken_replies.paths(tiny_agent)] == ["text"]
