"""Every format is read back by somebody else's reader."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid

from antiphon.errors import UserError
from antiphon.recognition import formats
from antiphon.recognition.captions import LINE, LINES, captions
from antiphon.recognition.transcript import Segment, Transcript, Word, joined

RATE = 16_000


def transcript(texts, seconds=0.3, pause=1.2, *, timed=True):
    segments, at = [], 0
    for text in texts:
        start, words = at, []
        for word in text.split():
            words.append(Word(word, at, at + int(seconds * RATE), 0.5))
            at += int(seconds * RATE)
        segments.append(Segment(text, start, at, tuple(words) if timed else (), "en", 0.5, 0.1))
        at += int(pause * RATE)
    return Transcript(
        joined(texts), language="en", language_confidence=0.9, segments=tuple(segments),
        duration=at, recognizer="test",
    )  # fmt: skip


TALK = transcript(
    [
        "Hello there & <welcome> to a talk that goes on for longer than a caption has room, "
        "so it has to be cut somewhere sensible. Is that clear?",
        'She said "yes".',
    ]
)
WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=30)
SPOKEN = st.lists(st.lists(WORDS, min_size=1, max_size=40).map(" ".join), max_size=4)


def test_subtitles_say_all_words_in_order():
    found = list(srt.parse(formats.FORMATS.get("srt")(TALK)))
    assert " ".join(each.content for each in found).split() == TALK.text.split()
    shown = webvtt.from_buffer(io.StringIO(formats.vtt(TALK)))
    assert [c.start_in_seconds for c in shown.captions] == [
        int(c.start.total_seconds()) for c in found
    ]
    assert "&amp; &lt;welcome&gt;" in formats.vtt(TALK).replace("\n", " ")


def test_captions_end_with_sentences():
    assert [c.text.split()[-1] for c in captions(TALK)][-2:] == ["clear?", '"yes".']


@given(SPOKEN, st.sampled_from([0.05, 0.3, 2.0]), st.booleans())
def test_captions_can_be_read(texts, seconds, timed):
    talk = transcript(texts, seconds, timed=timed)
    shown = captions(talk)
    assert " ".join(c.text for c in shown).split() == talk.text.split()
    for caption in shown:
        lines = caption.text.split("\n")
        assert len(lines) <= LINES and all(len(line) <= LINE for line in lines)
        assert caption.start < caption.end
    assert all(a.end <= b.start or b.start - a.start < 1600 for a, b in pairwise(shown))


def test_verbose_json_has_what_openai_clients_read():
    told = json.loads(formats.verbose_json(TALK))
    assert told["language"] == "english" and told["task"] == "transcribe"
    assert told["duration"] == round(TALK.duration / RATE, 3)
    assert told["words"][1] == {"word": "there", "start": 0.3, "end": 0.6, "confidence": 0.5}
    assert [s["text"] for s in told["segments"]] == [s.text for s in TALK.segments]
    assert told["segments"][0]["avg_logprob"] == pytest.approx(-0.693, abs=1e-3)
    assert told["segments"][0]["temperature"] is None  # not known, so not claimed


def test_text_and_json():
    assert formats.text(TALK) == f"{TALK.text}\n"
    assert json.loads(formats.plain_json(TALK)) == {"text": TALK.text}


def test_nothing_said_is_an_empty_file_or_object():
    nothing = Transcript("", duration=RATE)
    assert formats.text(nothing) == formats.srt(nothing) == ""
    assert len(webvtt.from_buffer(io.StringIO(formats.vtt(nothing)))) == 0
    assert json.loads(formats.verbose_json(nothing))["segments"] == []


def test_a_textgrid_has_every_word_and_the_silence_between(tmp_path):
    path = tmp_path / "talk.TextGrid"
    path.write_text(formats.textgrid(TALK), "utf-8")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    words = grid.getTier("words").entries
    assert [each.label for each in words if each.label] == TALK.text.split()
    assert all(a.end == b.start for a, b in pairwise(words))
    assert grid.maxTimestamp == pytest.approx(TALK.duration / RATE)


def test_a_format_that_is_not_there_is_named():
    with pytest.raises(UserError, match="text, json, verbose_json, srt, vtt"):
        formats.FORMATS.get("docx")
