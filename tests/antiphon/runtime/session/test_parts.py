"""Words heard, the window of memory, events as JSON, options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.messages import Speech, Turn, Word
from antiphon.runtime import events
from antiphon.runtime.options import Options
from antiphon.runtime.session.heard_words import CUT, SpokenWords, remembered
from antiphon.runtime.session.memory import Memory, tokens
from antiphon.runtime.session.playback import Playback, Reply

WORD = 1000


def script(text, segments=1):
    """A script whose every word takes 1000 samples."""
    made, words = SpokenWords(), text.split()
    size = -(-len(words) // segments)
    for first in range(0, len(words), size):
        chosen = words[first : first + size]
        placed = tuple(
            Word(word, (first + i) * WORD, (first + i + 1) * WORD) for i, word in enumerate(chosen)
        )
        segment = (" " if first else "") + " ".join(chosen)
        made.add(Speech(np.zeros(1, np.float32), 22_050, first * WORD, segment, words=placed))
        made.add(Speech(np.zeros(1, np.float32), 22_050, first * WORD + 1, segment, units=(1,)))
    return made


texts = st.lists(st.text("ab,.'", min_size=1, max_size=4), min_size=1, max_size=12)


@given(texts, st.integers(0, 13_000), st.integers(1, 4))
def test_what_was_heard_is_a_beginning_of_the_text_word_by_word(words, samples, segments):
    text = " ".join(words)
    made = script(text, segments)
    assert made.text == text
    expected = min(len(words), (samples + WORD // 2) // WORD)
    assert made.heard(samples) == " ".join(words[:expected])


def test_an_interrupted_reply_is_marked_and_a_whole_one_is_not():
    made = script("Yes, the sea is deep.")
    assert remembered(made, 2500, 5000, complete=True) == f"Yes, the sea{CUT}"
    assert remembered(made, 1000, 5000, complete=True) == f"Yes{CUT}"
    assert remembered(made, 4900, 5000, complete=True) == "Yes, the sea is deep."
    assert remembered(made, 4900, 5000, complete=False) == f"Yes, the sea is deep.{CUT}"
    assert remembered(made, 0, 5000, complete=False) == CUT
    assert remembered(made, 5000, 5000, complete=True) == "Yes, the sea is deep."


def test_playback_never_plays_what_was_stopped_and_hands_out_every_sample_once():
    playback, reply = Playback(22_050), Reply(1)
    reply.add(Speech(np.full(1000, 0.5, np.float32), 22_050, 0, "a"))
    reply.complete = True
    playback.play(reply)
    out = np.concatenate([playback.next() for _ in range(4)])
    assert np.count_nonzero(out) == 1000 and reply.heard == 1000
    other = Reply(2)
    other.add(Speech(np.full(9000, 0.5, np.float32), 22_050, 0, "b"))
    playback.play(other)
    playback.next()
    playback.stop()
    faded = playback.next()
    assert faded[0] == pytest.approx(0.5) and abs(faded[-1]) < 1e-3
    assert (np.diff(faded) <= 0).all()
    assert not playback.next().any()


def test_a_reply_that_runs_dry_ends_and_begins_softly():
    playback, reply = Playback(22_050), Reply(1)
    reply.add(Speech(np.full(600, 0.5, np.float32), 22_050, 0, "a"))
    playback.play(reply)
    sound = [playback.next() for _ in range(3)]
    reply.add(Speech(np.full(900, 0.5, np.float32), 22_050, 600, "a"))
    reply.complete = True
    sound += [playback.next() for _ in range(3)]
    out = np.concatenate(sound)
    inner = out[: 441 * 5]
    assert np.abs(np.diff(inner[441:])).max() < 0.02 and playback.underruns == 1


def test_where_models_cannot_keep_up_replies_begin_with_a_cushion():
    playback = Playback(22_050)

    def reply(number, pieces, silence):
        """Frames of silence before a reply sounds and in it, if its pieces are late."""
        made, out = Reply(number), []
        playback.play(made)
        for i in range(pieces):
            made.add(Speech(np.full(4410, 0.5, np.float32), 22_050, i * 4410, "a"))
            made.complete = i == pieces - 1
            out += [playback.next() for _ in range(silence)]
        while not made.over:
            out.append(playback.next())
        sounds = [bool(frame.any()) for frame in out]
        return sounds.index(True), sounds[sounds.index(True) :].count(False)

    begins, gaps = zip(*(reply(i, 12, 12) for i in range(4)), strict=True)
    assert begins[0] == 0 and begins[-1] > 20 and gaps[-1] < gaps[0]
    begins, gaps = zip(*(reply(i, 12, 5) for i in range(8)), strict=True)
    assert begins[-1] == 0 and set(gaps) == {0}  # the cushion is forgotten


def test_the_window_keeps_the_newest_turns_and_what_the_user_told():
    memory = Memory(300)
    memory.add(Turn("user", "Hello. My name is Anna. How are you?"))
    memory.add(Turn("assistant", "I am well."))
    for i in range(200):
        memory.add(Turn("user", f"What is the answer to question number {i}?"))
        memory.add(Turn("assistant", f"The answer to number {i} is known to everybody."))
    assert sum(tokens(turn.text) for turn in memory.context()) <= 300
    assert "My name is Anna." in memory.context()[0].text
    assert memory.turns[-1].text.startswith("The answer to number 199")
    assert memory.turns[0].role == "user"


turns = st.lists(
    st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text(max_size=200)),
    min_size=12,
    max_size=60,
)


@given(turns, st.integers(150, 600))
def test_a_context_never_outgrows_its_budget(given_turns, budget):
    memory = Memory(budget)
    for turn in given_turns:
        memory.add(turn)
        shown = memory.context()
        longest = max(tokens(turn.text) for turn in memory.turns)
        assert sum(tokens(turn.text) for turn in shown) <= max(budget, longest + budget // 5)
        assert memory.turns[-1] == turn


EVENTS = [
    events.SpeechStarted(1, 0),
    events.SpeechStopped(2, 1),
    events.TurnEnded(3),
    events.Transcript(4, 'Wer? \u2014 "you"'),
    events.ReplyStarted(5, 2),
    events.ReplyText(6, "I am"),
    events.Paused(7),
    events.Resumed(8),
    events.Interrupted(9, 120, "I", "stop word"),
    events.ReplyFinished(10, "I am."),
    events.Latency(11, 1, None, 3, 4, None, 11),
    events.Failed(12, "reply", "no"),
    events.Muted(13, True),
    events.DeviceLost(14, "input", "usb", "gone"),
    events.DeviceBack(15, "input", "usb"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_survive_json(event):
    import json

    assert events.from_json(json.loads(json.dumps(events.to_json(event)))) == event


def test_every_kind_of_event_is_known():
    assert {type(event).__name__ for event in EVENTS} == set(events.KINDS)


@pytest.mark.parametrize(
    "record", [{}, {"event": "Nothing", "at": 1}, {"event": "Paused"}, {"event": "Paused", "x": 1}]
)
def test_what_is_no_event_is_refused(record):
    with pytest.raises(UserError):
        events.from_json(record)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "loud"},
        {"patience": 0},
        {"preroll_ms": 100},
        {"memory_tokens": 3},
        {"longest_turn": 1},
        {"sample_rate": 22_051},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UserError):
        Options(**wrong)


def test_options_survive_a_recording_of_another_version():
    values = {**Options(patience=2).as_dict(), "unknown": 1}
    assert Options.of(values) == Options(patience=2)
