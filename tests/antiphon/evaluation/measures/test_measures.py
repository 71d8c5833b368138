"""Every measure on systems whose faults are known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.evaluation import spoken_replies
from antiphon.evaluation.judges import Judges
from antiphon.evaluation.material import Clip, Question
from antiphon.evaluation.measures import (
    ablation,
    hearing,
    question_answering,
    replies,
    unit_language,
)
from antiphon.evaluation.scores import Errors
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
    assert result["teacher"] == {"wer": 0.0, "mos": 2.5}
    assert result["hidden"]["mos_below_teacher"] == 0.5
    assert result["text"]["mos_below_teacher"] == 0.5 and result["replies"] == 2


def test_the_agents_voice_is_judged(tiny_agent):
    judge = Judges(lambda pcm: "I am", lambda pcm: float(len(pcm) > 0))
    result = replies.evaluate(tiny_agent, lambda text: sound(1.0), [written("I am")], judge)
    assert result["hidden"]["wer"] == result["text"]["wer"] == result["teacher"]["wer"] == 0
    assert result["hidden"]["mos"] == 1.0


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
    key = spoken_replies.fingerprint(known, ["a"])
    known["weight"] += 1
    assert (
        spoken_replies.fingerprint(known, ["a"]) != key != spoken_replies.fingerprint(known, ["b"])
    )


def test_the_whole_trigger_waits_for_the_end():
    reply = written("a b c")
    (segment,) = spoken_replies.WholeTrigger().cut(iter(reply))
    assert segment.tokens == reply and segment.final
    assert not list(spoken_replies.WholeTrigger().cut([]))


def test_units_of_a_language_without_loss(tiny_agent):
    codec, language = tiny_agent.voice.codec, tiny_agent.voice.t2c.language
    asked = []

    def recognize(pcm):
        asked.append(len(pcm))
        return "a b c d"

    result = unit_language.evaluate(
        ["a b c d", "a b c e"], lambda text: torch.randn(50, 192), codec, language, recognize
    )

    assert len(asked) == 4  # equal units are not listened to twice
    assert result["wer_loss"] == 0 and result["sentences_changed"] == 0
    assert result["compression"] >= 1 and result["seconds"] == round(100 * 256 / 22050, 2)
    assert result["wer"] == {"teacher": 12.5, "units": 12.5, "words": 12.5}
    rate = result["units_per_second"] / result["words_per_second"]
    assert rate == pytest.approx(result["compression"], abs=0.01)


def test_units_of_a_language_with_loss(tiny_agent):
    class Lossy:
        def encode(self, units):
            return units[::2]

        def decode(self, words):
            return words

    def recognize(pcm):
        return "a b c d" if len(pcm) > 40 * 256 * 16_000 / 22_050 else "a b"

    lossy: Any = Lossy()
    result = unit_language.evaluate(
        ["a b c d"], lambda text: torch.randn(50, 192), tiny_agent.voice.codec, lossy, recognize
    )
    assert result["compression"] == 2.0 and result["wer_loss"] == 50.0


def test_ears_overall_and_by_set(tmp_path):
    for name, value in (("a", 0.25), ("b", 0.5)):
        audio_file.write(tmp_path / f"{name}.wav", sound(value), 16_000)
    clips = [Clip("x", tmp_path / "a.wav", "yes sir"), Clip("y", tmp_path / "b.wav", "a b c d e f")]
    result = hearing.evaluate(
        clips,
        {
            "ctc": lambda pcm: "yes sir" if pcm[0] < 0.3 else "a b c d e x",
            "whisper": lambda pcm: "yes" if pcm[0] < 0.3 else "a b c d e f",
        },
    )
    assert result["ctc_wer"] == 12.5 and result["whisper_wer"] == 12.5 and result["above"] == 0
    assert result["sets"]["x"] == {"ctc_wer": 0, "whisper_wer": 50, "above": -50, "clips": 1}


def test_ears_without_clips():
    assert math.isnan(hearing.compared({"x": {"ctc": [Errors()], "whisper": []}})["ctc_wer"])


def test_questions_are_asked_in_turn_and_answers_counted():
    questions = [Question("Capital?", ("Paris",)), Question("Year?", ("1988",))] * 2
    spoken = []

    def speaker(name):
        def speak(text):
            spoken.append((name, text))
            return sound(1.0)

        return speak

    right = {"Capital?": "It is Paris.", "Year?": "In 1988."}
    ways = {
        "text": lambda text, pcm: question_answering.Answer(right[text], lambda: right[text]),
        "s2t": lambda text, pcm: question_answering.Answer(right["Year?"], lambda: right[text]),
        "cascade": lambda text, pcm: question_answering.Answer(right[text], lambda: "mumble"),
    }

    result = question_answering.evaluate(questions, [speaker("a"), speaker("b")], ways)

    assert [name for name, _ in spoken] == ["a", "b", "a", "b"]
    assert result["accuracy_text"] == 100 and result["accuracy_s2t"] == 50
    assert result["accuracy_cascade"] == 0 and result["ratio"] == 0.5
    assert result["written"] == {"text": 100, "s2t": 50, "cascade": 100}


def test_no_right_answer_at_all_has_no_ratio():
    wrong = [(False, False)]
    assert math.isnan(
        question_answering.compared({"text": wrong, "s2t": wrong, "cascade": wrong})["ratio"]
    )


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
        row[way] == {"wer": 0, "mos": 3}
        for row in result["rows"]
        for way in row
        if way != "variant"
    )
    for name, weight in tiny_agent.voice.t2c.state_dict().items():
        torch.testing.assert_close(weight, before[name])


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
