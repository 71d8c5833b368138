"""The benchmarks of whole conversations measure what they say they do."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon import audio_file, weights
from antiphon.errors import UserError
from antiphon.evaluation.turn_scenes import trim
from antiphon.messages import Turn
from antiphon.runtime.turns.frame_analysis import FrameAnalyzer

RATE = 16_000


@pytest.fixture(scope="module")
def ears():
    """The small models of the senses, or a reason to skip."""
    try:
        from antiphon.runtime.options import Options

        FrameAnalyzer(Options(), None)
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def questions():
    paths = sorted(weights.assets("questions").glob("*.wav"))
    return [trim(audio_file.read(path)) for path in paths]


def beep(scenes, *spans, length=10.0):
    """A recording in which the agent sounds for some spans of seconds."""
    speaker = np.zeros(int(length * RATE), np.float32)
    for start, stop in spans:
        speaker[int(start * RATE) : int(stop * RATE)] = 0.1
    return scenes.Recorded(np.zeros_like(speaker), speaker, {})


def test_measures_are_read_off_the_recording(load_benchmark):
    scenes = load_benchmark("live_scenes")
    recorded = beep(scenes, (2, 3), (3.2, 4), (6, 7))
    assert recorded.first_sound(0) == 2 * RATE
    assert recorded.first_sound(5 * RATE) == 6 * RATE
    assert recorded.silent_from(int(2.5 * RATE)) == 4 * RATE  # a gap of 0.2 s is no silence
    assert recorded.silent_from(5 * RATE) == 7 * RATE
    assert recorded.spoken() == pytest.approx(2.8, abs=0.05)
    assert beep(scenes).first_sound(0) is None


@pytest.fixture
def turns(load_benchmark):
    load_benchmark("live_scenes")
    load_benchmark("plain_loop")
    load_benchmark("turn_sides")
    return load_benchmark("turns")


def test_the_place_of_a_cut_is_found_in_the_undisturbed_reply(turns):
    chance = np.random.default_rng(0)
    reply = chance.normal(0, 0.1, 3 * RATE).astype(np.float32)
    heard = np.concatenate([np.zeros(2 * RATE), reply[: int(1.3 * RATE)], np.zeros(RATE)])
    disturbed = turns.Recorded(heard, heard, {})
    assert turns.place(disturbed, reply) == pytest.approx(1.3, abs=0.01)
    other = turns.Recorded(heard, chance.normal(0, 0.1, len(heard)), {})
    assert turns.place(other, reply) is None
    assert turns.place(turns.Recorded(heard, np.zeros(RATE), {}), reply) is None


@pytest.fixture
def side(turns, ears):
    """A conversation that says three seconds of noise to whoever asks."""
    from antiphon.messages import Speech, Word
    from antiphon.runtime.responders.worker import InlineWorker
    from antiphon.runtime.session.conversation import Conversation

    hiss = np.random.default_rng(0).normal(0, 0.3, 3 * turns.OUT)
    pcm = np.convolve(hiss, np.ones(8) / 8, "same").astype(np.float32)
    words = tuple(Word("so", i * 11_025, (i + 1) * 11_025) for i in range(6))
    piece = Speech(pcm, turns.OUT, 0, " so" * 6, units=(1,), words=words, final=True)
    said = turns.Prepared([piece])

    def begin(responder, paced, canceller):
        return Conversation(
            responder, canceller=canceller, work=InlineWorker(5), aside=InlineWorker(3)
        )

    return turns.Side("ours", said, said, said, begin)


def test_an_interruption_stops_it_and_a_cough_does_not(turns, side, questions):
    turns.interruption(side, (questions[1], questions[2]), 0)
    assert side.found["stop"][0] < 1000 and side.found["heard"][0] <= 1
    cough = turns.scenes.cough(np.random.default_rng(0))
    turns.disturbance(side, questions[1], cough, "cough", 0)
    assert side.found["false"] == [0.0]


def test_a_question_and_one_with_a_pause_are_timed(turns, side, questions):
    turns.hesitation(side, questions[1], 0)
    turns.question(side, questions[1], 0)
    assert side.found["early"][0] in (0.0, 1.0) and 300 < side.found["v2v"][0] < 3000
    assert turns.summary(side)["scenes"] == {
        "v2v": 1, "early": 1, "stop": 0, "false": 0, "heard": 0
    }  # fmt: skip


def test_an_echo_comes_late_and_as_loud_as_the_room_says(load_benchmark):
    scenes = load_benchmark("live_scenes")
    room = scenes.Echo("60 ms", 0)
    sound = np.zeros((20, 320), np.float32)
    sound[0, 0] = 1.0
    back = np.concatenate([room(frame) for frame in sound])
    assert np.abs(back[: int(0.12 * RATE)]).max() == 0
    assert np.sqrt((back**2).sum()) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("faults", [False, True])
def test_a_short_soak_loses_nothing(load_benchmark, ears, questions, faults):
    load_benchmark("live_scenes")
    soak = load_benchmark("soak")
    responder = soak.EchoResponder(questions)
    told = soak.run(responder, questions, 0.015, faults, None, 0)
    assert told["hours"] == pytest.approx(0.015, abs=0.01)
    assert told["turns"] >= 3 and told["lost_turns"] == told["exceptions"] == 0
    assert told["events"]["Latency"] >= told["turns"] - 1
    assert told["events"].get("DeviceLost", 0) == (10 if faults else 0)


def test_the_plain_loop_answers_after_its_silence_and_remembers_all(
    load_benchmark, ears, questions
):
    scenes, loop = load_benchmark("live_scenes"), load_benchmark("plain_loop")
    soak = load_benchmark("soak")
    from antiphon.runtime.responders.worker import InlineWorker

    def act(user):
        yield from user.silence(1.0)
        yield from user.say(questions[0], "question")
        yield from user.until_reply()
        yield from user.silence(0.5)
        yield from user.say(questions[1], "interruption")
        yield from user.until_quiet()

    conversation = loop.PlainLoop(soak.EchoResponder(questions), InlineWorker())
    recorded = scenes.play(conversation, scenes.User(act, 0), 22_050, None)
    answered = recorded.first_sound(recorded.marks["question begins"])
    assert answered - recorded.marks["question ends"] > 0.65 * RATE
    assert recorded.silent_from(recorded.marks["interruption begins"]) is not None
    seconds = -(-len(questions[0]) // RATE)  # all of them, though half of them was heard
    assert conversation.history[1] == Turn("assistant", " ".join(["and so"] * seconds))
