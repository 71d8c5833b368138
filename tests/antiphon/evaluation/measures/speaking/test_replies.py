"""Spoken replies compared with the teacher."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.evaluation import spoken_replies
from antiphon.evaluation.judges import Judges
from antiphon.evaluation.measures.speaking import replies
from antiphon.messages import Token


def written(text: str) -> spoken_replies.Reply:
    return tuple(Token(i, f" {word}", torch.zeros(8)) for i, word in enumerate(text.split()))


def sound(value: float) -> np.ndarray:
    """Sound that a judge of these tests can read: one number."""
    return np.full(1600, value, np.float32)


def test_replies_are_compared_with_the_teacher():
    texts = ["one dog and two cats", "a b c d e"]
    heard = {1.0: "1 dog and 2 cats", 2.0: "1 dog and 2 bats", 3.0: "", 4.0: "a b c d e"}
    judge = Judges(lambda pcm: heard[float(pcm[0])], lambda pcm: 5 - float(pcm[0]))
    systems = {
        "hidden": lambda reply: sound(2.0 if len(reply[0].text) > 2 else 4.0),
        "text": lambda reply: sound(3.0),
        "teacher": lambda reply: sound(1.0 if len(reply[0].text) > 2 else 4.0),
    }

    scores = replies.measure(systems, [written(text) for text in texts], judge)
    result = replies.compared(scores, 2)

    assert result["hidden"]["wer"] == result["hidden"]["wer_over_teacher"] == 10.0
    assert result["text"]["wer_over_teacher"] == 100.0
    assert result["hidden"]["wer_over_text"] == -90.0
    low, high = result["hidden"]["wer_over_text_interval"]
    assert -100 <= low <= -90 <= high <= -80
    assert result["teacher"] == {"wer": 0.0, "mos": 2.5}
    assert result["hidden"]["mos_below_teacher"] == 0.5
    assert result["text"]["mos_below_teacher"] == 0.5 and result["replies"] == 2
    del scores["hidden"]  # hidden states change nothing
    result = replies.compared(scores, 2)
    assert result["hidden"]["wer"] == result["text"]["wer"]
    assert result["hidden"]["wer_over_text"] == 0


def test_the_agents_voice_is_judged(tiny_agent):
    judge = Judges(lambda pcm: "I am", lambda pcm: float(len(pcm) > 0))
    result = replies.evaluate(tiny_agent, lambda text: sound(1.0), [written("I am")], judge)
    assert result["hidden"]["wer"] == result["text"]["wer"] == result["teacher"]["wer"] == 0
    assert result["hidden"]["mos"] == 1.0
