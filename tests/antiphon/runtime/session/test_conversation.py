"""Turns, interruptions and what is remembered of them."""

from __future__ import annotations

import numpy as np
import pytest
from fake_conversation import FakeAnalyzer, FakeResponder, Understood

from antiphon.runtime import events
from antiphon.runtime.frames import FRAME, sixteen_bits
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.heard_words import CUT

SILENCE, SPEECH, STOP = 0.0, 0.5, 1.0
END, WORD, OUT = 15, 4410, 441
ENDS = ("Interrupted", "ReplyFinished")
REPLY = 6 * WORD // OUT
"""Frames of a reply of the responder."""


def test_a_question_is_answered_and_both_are_remembered(drive):
    driver = drive().ask(20)
    assert driver.conversation.state in ("thinking", "speaking")
    driver.run(REPLY + 5)
    assert driver.conversation.state == "idle"
    assert driver.texts() == [
        ("user", "heard 20 frames"),
        ("assistant", "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"),
    ]
    told = driver.kinds()
    expected = ["SpeechStarted", "SpeechStopped", "TurnEnded", "Transcript", "ReplyStarted"]
    assert [kind for kind in told if kind in expected] == expected
    assert told[-1] == "ReplyFinished"
    heard = driver.sound[np.abs(driver.sound) > 0]
    assert len(heard) == 6 * WORD  # every sample, once, and none changed
    np.testing.assert_allclose(heard, sixteen_bits(0.1 + np.arange(6 * WORD) * 1e-5), atol=1e-4)


def test_a_ready_answer_sounds_in_the_frame_that_ends_the_turn(drive):
    driver = drive().ask(20)
    latency = driver.of(events.Latency)[0]
    assert latency.first_sound == latency.turn_end > latency.first_piece >= latency.soft_end
    assert latency.speech_end == 20 * FRAME
    assert latency.voice_to_voice_ms == 280


def test_the_judge_of_turn_ends_is_asked_once_there_is_as_much_silence_as_it_has_learnt_on(drive):
    asked = []

    class Asked(FakeAnalyzer):
        def judge(self):
            asked.append(self.quiet)
            return super().judge()

    analyzer = Asked()
    drive(analyzer=analyzer, aside=InlineWorker()).run(20, SPEECH).run(END)
    assert asked == [10] and len(analyzer.judgements) == 1


def test_resumed_speech_takes_the_answer_back_without_a_trace(drive, responder):
    driver = drive().run(20, SPEECH).run(END - 1)
    assert responder.answered  # the answer was begun on trust
    driver.run(10, SPEECH)
    assert driver.kinds() == ["SpeechStarted"]
    assert not driver.sound.any() and driver.texts() == []
    driver.run(END + REPLY + 5)
    assert [text for text, _ in responder.answered] == ["heard 20 frames", "heard 30 frames"]
    assert driver.texts()[0] == ("user", "heard 30 frames")
    assert driver.of(events.ReplyStarted)[0].generation > 1


def test_who_goes_on_before_the_answer_sounds_is_heard_as_one_turn(drive):
    driver = drive(work=InlineWorker(frames_per_output=30)).ask(20).run(5)
    assert driver.conversation.state == "thinking"
    driver.run(10, SPEECH)
    assert driver.conversation.state == "listening"
    driver.work.frames_per_output = 0
    driver.run(END + 40 + REPLY)
    assert driver.texts()[0] == ("user", "heard 30 frames")
    assert len(driver.texts()) == 2


def test_nothing_of_the_first_word_is_lost(drive, responder):
    """The hearing gets the pre-roll, and every later frame exactly once, in order."""
    driver = drive()
    position = 0
    for frame in range(120):
        speech = 40 <= frame < 60 or 66 <= frame < 80
        mic = np.full(FRAME, SPEECH if speech else 0.0, np.float32)
        mic[0] = frame / 1000 + (0.5 if speech else 0)
        driver.conversation.step(mic)
        position += FRAME
    heard = np.concatenate(responder.streams[0].pcm)[::FRAME]
    numbers = np.round((heard % 0.5) * 1000).astype(int)
    assert numbers.min() == 40 - 25 and set(range(40, 80)) <= set(numbers.tolist())
    assert (np.diff(numbers) == 1).all()


def test_an_interruption_stops_and_only_what_was_heard_is_remembered(drive, responder):
    driver = drive().ask(20).run(20)
    before = len(driver.out)
    driver.run(16, SPEECH)
    stopped = driver.of(events.Interrupted)[0]
    assert driver.conversation.state == "listening"
    frames = [i for i, out in enumerate(driver.out) if np.abs(out).any()]
    assert frames[-1] - before < 6  # paused after 5 frames, faded in one
    assert stopped.heard_text == "r1w0 r1w1 r1w2" and stopped.reason == "speech"
    assert driver.texts()[-1] == ("assistant", f"r1w0 r1w1 r1w2{CUT}")
    driver.run(END + REPLY + 5)
    question, history = responder.answered[-1]
    assert history[-1].text == f"r1w0 r1w1 r1w2{CUT}"  # the next answer knows it
    assert question == "heard 16 frames"  # and the interruption was heard from its first frame


def test_heard_milliseconds_are_those_of_the_samples_played(drive):
    driver = drive().ask(20).run(20).run(16, SPEECH)
    played = driver.sound[np.abs(driver.sound) > 0]
    assert driver.of(events.Interrupted)[0].heard_ms == pytest.approx(len(played) / 22.05, abs=1)


def test_a_backchannel_pauses_and_the_reply_goes_on_without_a_gap_in_it(drive):
    driver = drive().ask(20).run(20).run(6, SPEECH).run(REPLY + 30)
    assert not driver.of(events.Interrupted)
    assert [k for k in driver.kinds() if k in ("Paused", "Resumed")] == ["Paused", "Resumed"]
    assert driver.texts()[-1] == ("assistant", "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5")
    full = np.abs(driver.sound)[np.abs(driver.sound) > 0.1]
    covered = np.unique(np.round((full - 0.1) * 1e5).astype(int) // 10)
    assert len(covered) > 0.97 * 6 * WORD / 10
    assert len(driver.conversation.history) == 2


def test_fades_leave_no_step_in_the_sound(drive):
    driver = drive().ask(20).run(20).run(16, SPEECH)
    steps = np.abs(np.diff(driver.sound))
    first = int(np.argmax(driver.sound > 0))
    assert steps[first:].max() < 0.01


def test_who_begins_as_the_reply_ends_is_heard_from_the_first_frame(drive, responder):
    driver = drive().ask(20).run(REPLY - 4).run(20, SPEECH).run(END + 2)
    assert [text for text, _ in responder.answered] == ["heard 20 frames", "heard 20 frames"]
    assert driver.texts()[1][1].endswith("r1w5")


def test_a_television_behind_the_reply_is_not_answered(drive, responder):
    class Far(FakeAnalyzer):
        def _barge(self, speech, speaking):
            return None  # too far away to interrupt

    driver = drive(analyzer=Far()).ask(20).run(5).run(REPLY, SPEECH).run(60)
    assert len(responder.answered) <= 2 and responder.answered[-1][0] != f"heard {REPLY} frames"
    assert driver.texts()[1][1].endswith("r1w5")


def test_the_stop_word_stops_at_once_and_is_no_question(drive, responder):
    driver = drive().ask(20).run(20).run(1, STOP)
    assert driver.of(events.Interrupted)[0].reason == "stop word"
    driver.run(60)
    assert driver.conversation.state == "idle" and len(responder.answered) == 1
    assert not np.abs(np.concatenate(driver.out[-59:])).any()


def test_noise_without_words_is_not_answered(drive):
    class Deaf(FakeResponder):
        def listen(self, history):
            stream = super().listen(history)
            stream.finish = lambda: Understood("")
            return stream

    driver = drive(Deaf()).ask(20).run(60)
    assert driver.of(events.Transcript)[0].text == ""
    assert not driver.sound.any() and driver.texts() == []
    assert driver.conversation.state == "idle"


def test_speech_without_end_is_cut_and_does_not_grow(drive, responder):
    driver = drive(options=Options(longest_turn=5)).run(1500, SPEECH)
    assert len(driver.of(events.TurnEnded)) >= 2
    assert max(sum(map(len, stream.pcm)) for stream in responder.streams) < 7 * 16_000


def test_half_duplex_is_deaf_while_it_speaks_but_not_to_stop(drive):
    driver = drive(options=Options(mode="half")).ask(20).run(10).run(20, SPEECH).run(REPLY)
    assert driver.texts()[-1][1].endswith("r1w5")
    driver.ask(20).run(10).run(1, STOP).run(20)
    assert driver.of(events.Interrupted)[0].reason == "stop word"


def test_push_to_talk_hears_exactly_what_was_said_while_pressed(drive):
    driver = drive(options=Options(mode="ptt")).run(20, SPEECH).run(40)
    assert driver.conversation.state == "idle"
    driver.conversation.push_to_talk(True)
    driver.run(10, SPEECH).run(30).run(10, SPEECH)  # a long pause ends nothing
    assert driver.conversation.state == "listening"
    driver.conversation.push_to_talk(False)
    driver.run(5)
    assert driver.texts() == [("user", "heard 20 frames")]
    assert driver.conversation.state == "speaking"
    driver.conversation.push_to_talk(True)
    driver.run(3)
    assert driver.of(events.Interrupted)[0].reason == "button"
    assert driver.conversation.state == "listening"


def test_muted_nothing_is_heard_for_as_long_as_it_takes(drive, responder):
    driver = drive()
    driver.conversation.mute(True)
    driver.run(2000, SPEECH)
    assert driver.kinds() == ["Muted"] and driver.conversation.state == "idle"
    driver.conversation.mute(False)
    driver.ask(20).run(REPLY + 5)
    assert driver.texts()[0] == ("user", "heard 20 frames")


def test_a_text_is_said_when_nobody_speaks(drive):
    driver = drive().run(10, SPEECH)
    driver.conversation.say("the door is open")
    driver.run(END).run(REPLY + 2).run(60)
    assert driver.texts()[-1] == ("assistant", "the door is open")
    assert driver.texts()[1][1].startswith("r1w0")


def test_a_text_that_was_not_begun_waits_for_who_speaks_first(drive):
    driver = drive(work=InlineWorker(frames_per_output=10))
    driver.conversation.say("hello there")
    driver.run(3).ask(20).run(300)
    assert driver.texts()[0] == ("user", "heard 20 frames")
    assert driver.texts()[-1] == ("assistant", "hello there")


def test_stop_and_reset(drive, responder):
    driver = drive().ask(20).run(20)
    driver.conversation.stop()
    driver.run(2)
    assert driver.of(events.Interrupted)[0].reason == "command"
    driver.conversation.reset()
    assert driver.conversation.history == ()
    driver.run(5).ask(20)
    assert responder.answered[-1][1] == ()


def test_a_turn_that_is_not_understood_is_answered_and_not_remembered(drive, responder):
    responder.doubt = "unclear"
    driver = drive().ask(20)
    driver.run(REPLY + 5)
    (said,) = driver.of(events.Transcript)
    assert (said.text, said.doubt) == ("", "unclear")
    assert [role for role, _ in driver.texts()] == ["assistant"]


def test_a_noise_that_sounded_like_a_turn_is_told_and_not_answered(drive, responder):
    responder.doubt = "no speech"
    driver = drive().ask(20)
    driver.run(REPLY + 5)
    (said,) = driver.of(events.Transcript)
    assert (said.text, said.doubt) == ("", "no speech")
    assert not driver.texts() and not driver.sound.any()
    assert driver.conversation.state == "idle"


def test_the_rate_at_which_a_turn_was_heard_is_told(drive, responder):
    responder.rate = 8
    driver = drive().ask(20)
    driver.run(REPLY + 5)
    (said,) = driver.of(events.Transcript)
    assert said.rate == 8
    assert events.from_json(events.to_json(said)) == said
