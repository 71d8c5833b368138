"""What a take says of a reply is what the agent said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.cli.timed_reply import CHUNK, TimedReply, answer, last_chunk, read_aloud
from antiphon.messages import Speech, Word


def speech(start: int, samples: int, text: str, **more) -> Speech:
    return Speech(np.zeros(samples, np.float32), 1000, start, text, **more)


def test_an_answer_is_taken_whole(tiny_agent):
    texts, pieces = [], []

    take = answer(
        tiny_agent, np.zeros(16_000, np.float32), on_text=texts.append, on_speech=pieces.append
    )

    assert "".join(texts).strip() == take.report()["reply"] == "I am a voice. Ask me!"
    np.testing.assert_array_equal(take.pcm, np.concatenate([piece.pcm for piece in pieces]))
    assert take.first and take.last and take.first <= take.last
    assert take.tokens == 6 and 0 < take.tokens_before <= 6
    assert take.seconds == len(take.pcm) / 22050 and take.rtf == take.last / take.seconds


def test_the_stages_add_up_to_the_first_audio(tiny_agent):
    take = answer(tiny_agent, np.zeros(16_000, np.float32))
    assert take.stages is not None and list(take.stages) == ["hear", "read", "write", "speak"]
    assert min(take.stages.values()) >= 0
    assert take.first and sum(take.stages.values()) == pytest.approx(1000 * take.first, abs=0.3)


def test_a_reply_without_sound_has_no_stages():
    assert TimedReply(1).report()["stages"] is None


def test_segments_add_up_to_the_reply(tiny_agent):
    take = answer(tiny_agent, np.zeros(16_000, np.float32))

    segments = take.segments

    assert "".join(segment.text for segment in segments) == take.text
    assert [segment.start for segment in segments[1:]] == [s.end for s in segments[:-1]]
    assert segments[0].start == 0 and segments[-1].end == len(take.pcm)
    for segment in segments:
        assert [word.text for word in segment.words] == segment.text.split()
        assert all(segment.start <= w.start <= w.end <= segment.end for w in segment.words)


@given(st.integers(1, 40_000))
def test_the_whole_question_is_given_in_order(samples):
    pcm = np.arange(samples, dtype=np.float32)
    pieces = [pcm[at : at + CHUNK] for at in range(0, last_chunk(pcm), CHUNK)]
    pieces.append(pcm[last_chunk(pcm) :])
    assert 0 < len(pieces[-1]) <= CHUNK
    np.testing.assert_array_equal(np.concatenate(pieces), pcm)


def test_equal_segments_are_kept_apart():
    word = Word("no.", 0, 512)
    again = Word("no.", 512, 1024)
    take = TimedReply(256).collect(
        [
            speech(0, 300, "no.", words=(word,)),
            speech(300, 100, "no.", units=(1, 2)),
            speech(400, 624, "no.", words=(again,), units=(3, 4), final=True),
        ]
    )
    assert [(s.start, s.end, s.units) for s in take.segments] == [
        (0, 512, (1, 2)),
        (512, 1024, (3, 4)),
    ]


def test_nothing_said():
    take = TimedReply(256)
    report = take.report()
    assert report["first_audio_ms"] is None and report["segments"] == [] and not len(take.pcm)
    assert np.isnan(report["rtf"])


def test_the_delay_of_hearing_counts():
    take = TimedReply(256, late=5.0).collect([speech(0, 10, "a")])
    assert take.first == pytest.approx(5.0, abs=0.5)


def test_reading_aloud_tells_each_segment_before_it_sounds(tiny_agent):
    seen = []
    tokens = tiny_agent.s2t.reply("")
    take = read_aloud(tiny_agent, tokens, on_segment=seen.append)
    assert "".join(segment.text for segment in seen) == take.text and len(take.pcm)
