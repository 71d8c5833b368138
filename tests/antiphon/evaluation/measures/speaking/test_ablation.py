"""What each part of the echo is worth."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from antiphon.errors import UserError
from antiphon.evaluation import spoken_replies
from antiphon.evaluation.judges import Judges
from antiphon.evaluation.measures.speaking import ablation
from antiphon.evaluation.measures.speaking.replies import Score
from antiphon.evaluation.scores import Errors
from antiphon.messages import Token


def written(text: str) -> spoken_replies.Reply:
    return tuple(Token(i, f" {word}", torch.zeros(8)) for i, word in enumerate(text.split()))


def test_the_ablation_has_a_row_for_every_adapter(tiny_agent, tmp_path):
    other = {name: w + 1 for name, w in tiny_agent.voice.t2c.denoiser.state_dict().items()}
    save_file(other, tmp_path / "echo-no-cosine.safetensors")
    before = {name: w.clone() for name, w in tiny_agent.voice.t2c.state_dict().items()}
    judge = Judges(lambda pcm: "I am", lambda pcm: 3.0)

    kinds = ablation.variants(tmp_path)
    result = ablation.evaluate(tiny_agent, kinds, [written("I am")], judge)

    assert [row["variant"] for row in result["rows"]] == [
        "text path",
        "hidden states, no echo training",
        "echo, no cosine",
        "echo, full",
    ]
    assert all(
        (row[way]["wer"], row[way]["mos"], row[way]["wer_over_text_interval"]) == (0, 3, [0, 0])
        for row in result["rows"]
        for way in row
        if way != "variant"
    )
    for name, weight in tiny_agent.voice.t2c.state_dict().items():
        torch.testing.assert_close(weight, before[name])


def test_a_variant_is_compared_with_the_text_path_reply_by_reply():
    text = Score(20.0, 3.0, (Errors(1, 5), Errors(1, 5)), (2.0, 4.0))
    other = Score(10.0, 3.5, (Errors(0, 5), Errors(1, 5)), (2.5, 4.5))
    found = ablation.row(other, text)
    assert (found["wer_over_text"], found["mos_over_text"]) == (-10, 0.5)
    assert found["wer_over_text_interval"] == [-20, 0]
    assert found["mos_over_text_interval"] == [0.5, 0.5]


def test_a_variant_really_changes_the_voice(tiny_agent, tmp_path):
    t2c: Any = tiny_agent.voice.t2c
    save_file({"0.bias": t2c.denoiser[0].bias + 1}, tmp_path / "echo-x.safetensors")
    before = t2c.denoiser[0].bias.clone()
    with ablation.weights_of(t2c, tmp_path / "echo-x.safetensors"):
        torch.testing.assert_close(t2c.denoiser[0].bias, before + 1)
    with ablation.untrained(t2c):
        assert "Identity" in repr(t2c.denoiser)
    torch.testing.assert_close(t2c.denoiser[0].bias, before)


def test_weights_of_another_voice_are_refused(tiny_agent, tmp_path):
    save_file({"0.bias": torch.zeros(3)}, tmp_path / "echo-x.safetensors")
    path = tmp_path / "echo-x.safetensors"
    with (
        pytest.raises(UserError, match="does not fit"),
        ablation.weights_of(tiny_agent.voice.t2c, path),
    ):
        pass
