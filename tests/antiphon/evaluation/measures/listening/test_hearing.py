"""Word errors of hearing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from antiphon import audio_file
from antiphon.evaluation.material import Clip
from antiphon.evaluation.measures.listening import hearing
from antiphon.evaluation.measures.listening.hearing import Heard
from antiphon.evaluation.scores import Errors


def sound(value: float) -> np.ndarray:
    """Sound that a judge of these tests can read: one number."""
    return np.full(1600, value, np.float32)


def test_ears_overall_and_by_set(tmp_path):
    for name, value in (("a", 0.25), ("b", 0.5)):
        audio_file.write(tmp_path / f"{name}.wav", sound(value), 16_000)
    clips = [Clip("x", tmp_path / "a.wav", "yes sir"), Clip("y", tmp_path / "b.wav", "a b c d e f")]
    result = hearing.evaluate(
        hearing.recorded(clips),
        {
            "ctc": lambda pcm: "yes sir" if pcm[0] < 0.3 else "a b c d e x",
            "decoder": lambda pcm: "yes sir" if pcm[0] < 0.3 else "a b c d e f",
            "whisper": lambda pcm: "yes" if pcm[0] < 0.3 else "a b c d e f",
        },
    )
    assert result["ctc_wer"] == 12.5 and result["whisper_wer"] == 12.5 and result["above"] == 0
    assert result["decoder_wer"] == 0 and result["above_decoder"] == 12.5
    low, high = result["above_decoder_interval"]
    assert low == 0 and 12.5 < high < 17
    assert result["sets"]["x"]["whisper_wer"] == 50 and result["sets"]["x"]["clips"] == 1


def test_the_sound_can_be_changed_before_it_is_heard(tmp_path):
    audio_file.write(tmp_path / "a.wav", sound(0.25), 16_000)
    heard = lambda pcm: f"{pcm[0]:.1f}"  # noqa: E731
    ways = dict.fromkeys(hearing.WAYS, heard)
    clips = [Clip("x", tmp_path / "a.wav", "0.5")]
    louder = hearing.recorded(clips, lambda pcm: 2 * pcm)
    assert hearing.evaluate(louder, ways)["ctc_wer"] == 0


def test_voices_ask_in_turn():
    voices = {"loud": lambda text: sound(len(text)), "soft": lambda text: sound(0)}
    said = hearing.spoken(["1", "22", "333"], voices, lambda pcm: pcm + 1)
    assert [(each.part, each.text) for each in said] == [
        ("loud", "1"), ("soft", "22"), ("loud", "333"),
    ]  # fmt: skip
    assert [each.sound()[0] for each in said] == [2, 1, 4]


@pytest.mark.parametrize(
    ("words", "decoded", "count"),
    [
        ("the the starry night", "the starry night", 1),
        ("yes yes", "yes yes", 0),
        ("no no no", "no no", 1),
        ("", "the night", 0),
    ],
)
def test_doubled_words_are_counted(words, decoded, count):
    assert hearing.doubled(words.split(), decoded.split()) == count


@pytest.mark.parametrize(
    ("words", "decoded", "count"),
    [
        ("close the cur", "close the curtain", 1),
        ("close the curtains", "close the curtain", 0),
        ("close the door", "close the curtain", 0),
        ("the cur and the lith", "the curtain and the lithium", 2),
        ("", "the night", 0),
    ],
)
def test_cut_words_are_counted(words, decoded, count):
    assert hearing.cut(words.split(), decoded.split()) == count


def test_ears_without_clips():
    nothing = Heard(dict.fromkeys(hearing.WAYS, Errors()))
    assert math.isnan(hearing.compared({"x": [nothing]})["ctc_wer"])
    assert math.isnan(hearing.compared({"x": []})["above_decoder_interval"][0])
