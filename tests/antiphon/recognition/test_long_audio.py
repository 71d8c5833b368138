"""Recordings of any length: nothing lost, nothing said twice, nothing made up."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from fake_recognizer import RATE, LevelRecognizer, LoudSilero, long_audio, sound
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.lips.lip_pictures import SAMPLES, SIZE, LipPictures
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Options, Segment, Word

TALK = sound((1, 0), (1.2, 0.35), (2.5, 0), (0.7, 0.55), (0.3, 0), (0.8, 0.75), (3, 0))
LEVELS = {"three": 12, "five": 7, "seven": 8}
"""What is said in it: a word for each tenth of a second."""


def streamed(listener, pcm, cuts=(), **options):
    state, shown = listener.start(Options(partials=True, **options)), []
    for piece in np.split(pcm, sorted(cuts)):
        state = listener.feed(piece, state)
        shown.append(listener.partial(state).text)
    shown.append(listener.partial(listener.end(state)).text)
    return shown, listener.finish(state)


@pytest.mark.parametrize("pcm", [np.zeros(0), np.zeros(800), sound((30, 0)), sound((9, 0.05))])
def test_where_nobody_speaks_there_is_no_text(pcm):
    heard = long_audio().transcribe(pcm.astype(np.float32))
    assert heard.text == "" and heard.segments == () and heard.doubt == "no speech"
    assert heard.duration == len(pcm) and heard.language is None


def test_utterances_keep_their_place_in_the_recording():
    heard = long_audio().transcribe(TALK)
    for word, count in LEVELS.items():  # a tenth of a second may lie on an edge
        assert abs(heard.text.split().count(word) - count) <= 1
    first, second = heard.segments
    assert 0.5 * RATE < first.start < RATE < first.words[0].start + RATE // 10
    assert second.start > first.end and second.end <= len(TALK)
    for said in heard.words:
        level = np.abs(TALK[said.start : said.end]).max()
        assert level == pytest.approx(list(LEVELS).index(said.text) * 0.2 + 0.35, abs=0.01)


@settings(max_examples=25)
@given(st.lists(st.integers(0, len(TALK)), max_size=8))
def test_pieces_equal_the_whole_and_partial_text_only_grows(cuts):
    listener = long_audio()
    shown, heard = streamed(listener, TALK, cuts)
    assert heard == listener.transcribe(TALK)
    assert all(a.end <= b.start for a, b in pairwise(heard.segments))
    assert all(a.end <= b.start for a, b in pairwise(heard.words))
    for before, after in pairwise(shown):
        assert after.startswith(before)
    assert shown[-1] == heard.text


def test_an_endless_talker_is_cut_and_every_word_kept():
    parts = [part for _ in range(40) for part in ((1.5, 0.45), (0.16, 0.05))]
    listener = long_audio()
    talk = sound(*parts)
    heard = listener.transcribe(talk)
    assert len(heard.segments) >= 4
    assert all(s.end - s.start <= LevelRecognizer.longest for s in heard.segments)
    times_heard = np.zeros(len(talk), int)
    for segment in heard.segments:
        times_heard[segment.start : segment.end] += 1
    assert set(times_heard[np.abs(talk) > 0.1]) == {1}


def test_ten_minutes_take_no_more_memory_than_one():
    def peak(minutes):
        listener = long_audio()
        state = listener.start()
        tracemalloc.start()
        for _ in range(minutes * 3):
            state = listener.feed(sound((7, 0.35), (13, 0)), state)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(10) < 1.3 * peak(1)


def test_two_recordings_at_once_do_not_mix_and_a_state_can_be_continued_twice():
    listener = long_audio()
    other = sound((1, 0.25), (3, 0))
    one, two = listener.start(), listener.start()
    for i in range(0, len(TALK), 7000):
        one = listener.feed(TALK[i : i + 7000], one)
        two = listener.feed(other[i : i + 7000], two)
    assert listener.finish(two).text == listener.transcribe(other).text
    assert listener.finish(one) == listener.finish(one) == listener.transcribe(TALK)


def test_a_language_the_recognizer_does_not_know_is_refused_at_once():
    listener = long_audio()
    with pytest.raises(UserError, match=r"level does not know french, only de, en"):
        listener.start(Options(language="fr"))
    with pytest.raises(UserError, match="no language 'klingon'"):
        listener.start(Options(language="klingon"))
    listener.start(Options(language="de"))


def test_ten_thousand_words_of_context_are_refused():
    with pytest.raises(UserError, match="10000 words"):
        Options(context=("name",) * 10_000)


def test_what_grows_is_fed_to_the_recognizer_once(monkeypatch):
    listener = long_audio()
    fed = []
    feed = listener.recognizer.feed
    monkeypatch.setattr(
        listener.recognizer, "feed", lambda pcm, state: fed.append(len(pcm)) or feed(pcm, state)
    )
    state = listener.start(Options(partials=True))
    for _ in range(20):
        state = listener.feed(sound((0.5, 0.35)), state)
    assert sum(fed) <= 10 * RATE  # ten seconds, heard again every second
    assert len(listener.partial(state).text.split()) > 80


def test_a_recognizer_says_how_often_what_grows_is_heard_again():
    def hearings(refresh):
        recognizer = cast(Any, LevelRecognizer())
        recognizer.refresh = refresh
        listener = LongAudio(recognizer, Segmenter(10 * RATE, cast(Any, LoudSilero())))
        state, seen = listener.start(Options(partials=True)), set()
        for _ in range(20):
            state = listener.feed(sound((0.5, 0.35)), state)
            seen.add(listener.partial(state).text)
        return len(seen)

    assert hearings(4 * RATE) < hearings(2 * RATE) < hearings(RATE)


@given(st.lists(st.tuples(st.floats(0.02, 3), st.booleans()), max_size=30))
def test_nothing_is_heard_twice_and_no_speech_is_lost(parts):
    talk = sound((0.1, 0), *((seconds, 0.35 * loud) for seconds, loud in parts))
    segmenter = Segmenter(5 * RATE, cast(Any, LoudSilero()))
    over, state = segmenter.step(talk, segmenter.start())
    heard = np.zeros(len(talk), int)
    for each in (*over, *segmenter.finish(state)):
        assert np.array_equal(each.pcm, talk[each.start : each.start + len(each.pcm)])
        assert 0 < len(each.pcm) <= 5 * RATE
        heard[each.start : each.start + len(each.pcm)] += 1
    assert heard.max(initial=0) <= 1
    loud = [round(seconds * RATE) for seconds, is_loud in parts if is_loud and seconds > 0.2]
    assert heard[np.abs(talk) > 0.1].sum() >= sum(loud)


def test_times_do_not_include_the_silence_around_speech():
    heard = long_audio().transcribe(sound((2, 0), (1, 0.35), (2, 0)))
    (segment,) = heard.segments
    assert abs(segment.start - 2 * RATE) <= 1024 and abs(segment.end - 3 * RATE) <= 1024


@given(*[st.integers(0, 100)] * 4)
def test_trimming_keeps_every_word_and_its_order(first, last, one, two):
    words = (Word("a", 0, one + 1), Word("b", one + 1, one + two + 2))
    found = Segment("a b", 0, one + two + 2, words).trimmed(first, max(first, last))
    assert [w.text for w in found.words] == ["a", "b"]
    assert all(w.start < w.end for w in found.words)
    assert found.start <= found.words[0].start and found.words[-1].end <= found.end
    assert found.words[0].end <= found.words[1].start


class Halves:
    """Spreads words over the second half of an utterance."""

    name, longest = "halves", 20 * RATE
    languages: tuple[str, ...] = ("en",)

    def hear(self, pcm, language):
        return ""

    def place(self, pcm, words, language):
        step = len(pcm) // (2 * len(words))
        at = [len(pcm) // 2 + i * step for i in range(len(words))]
        return [Word(word, a, a + step, 0.7) for word, a in zip(words, at, strict=True)]


def test_words_are_where_an_aligner_says(monkeypatch):
    silero: Any = LoudSilero()
    listener = LongAudio(LevelRecognizer(), Segmenter(20 * RATE, silero), aligner=Halves())
    own, placed = (each.transcribe(TALK, Options(words=True)) for each in (long_audio(), listener))
    assert placed.text == own.text and len(placed.words) == len(own.words)
    assert {word.confidence for word in placed.words} == {0.7}
    assert placed.words[0].start > own.words[0].start
    assert all(a.end <= b.start for a, b in pairwise(placed.words))
    assert listener.transcribe(TALK).words == own.words  # nobody asked for words
    monkeypatch.setattr(Halves, "languages", ("de",))
    assert listener.transcribe(TALK, Options(words=True)).words == own.words


class SeeingRecognizer(LevelRecognizer):
    """Remembers which pictures it was shown, by their numbers, and how many samples it heard."""

    sees = True

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[int, int, int]] = []

    def start(self, options=None):
        self.lips = options.lips
        return super().start(options)

    def finish(self, state):
        if self.lips is not None:
            first, last = (int(self.lips.pictures[at, 0, 0]) for at in (0, -1))
            self.shown.append((first, last, len(state)))
        return super().finish(state)


def numbered_lips():
    """As many pictures as the talk lasts, each as bright as its number."""
    numbers = np.arange(len(TALK) // SAMPLES, dtype=np.uint8)
    pictures = np.repeat(numbers, SIZE * SIZE).reshape(-1, SIZE, SIZE)
    return LipPictures(pictures, np.ones(len(pictures), bool))


def test_each_utterance_has_the_lips_that_were_seen_with_it():
    recognizer: Any = SeeingRecognizer()
    silero: Any = LoudSilero()
    listener = LongAudio(recognizer, Segmenter(recognizer.longest, silero))
    lips = numbered_lips()
    utterances = list(listener.utterances([TALK]))
    heard = listener.transcribe(TALK, Options(lips=lips))
    assert len(utterances) == len(recognizer.shown) == 2
    for utterance, (first, last, length) in zip(utterances, recognizer.shown, strict=True):
        assert length == len(utterance.pcm)
        assert abs(first * SAMPLES - utterance.start) <= SAMPLES / 2
        assert abs((last + 1) * SAMPLES - utterance.start - length) <= SAMPLES
    recognizer.shown.clear()
    _, whole = streamed(listener, TALK, range(4000, len(TALK), 4000), lips=lips)
    assert whole == heard
    starts = {round(utterance.start / SAMPLES) for utterance in utterances}
    assert len(recognizer.shown) > 2 and {first for first, _, _ in recognizer.shown} == starts


def test_lips_are_refused_by_a_recognizer_that_sees_none():
    with pytest.raises(UserError, match="level sees no lips"):
        long_audio().start(Options(lips=numbered_lips()))
