"""What a robot's owner notices of a conversation over the network."""

from __future__ import annotations

import json

import pytest
from mqtt_network import Net
from mqtt_responders import FakeResponder, converse

from antiphon.transports.mqtt.wire.envelope import Outgoing

ALL = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"


def events(net, kind, name="R1"):
    found = [json.loads(m.payload) for m in net.sent("event", name)]
    return [each for each in found if each["event"] == kind]


def test_a_question_is_answered_and_both_are_remembered(net):
    net.add("R1")
    net.ask()
    net.until("idle")
    net.run(20)
    assert net.heard() == [(1, pytest.approx(100, abs=2))]
    assert net.texts() == [("user", "20 frames"), ("assistant", ALL)]


def test_mqtt_3_1_1_carries_the_same_conversation(net):
    net.add("R1", version=3)
    net.ask()
    net.until("idle")
    net.run(20)
    assert net.heard() == [(1, pytest.approx(100, abs=2))]
    assert all(m.content_type is None and not m.properties for m in net.sent("audio/in"))


def test_nothing_is_sent_while_nobody_speaks(net):
    net.add("R1")
    net.ask()
    net.until("idle")
    net.run(120)
    before = len(net.log)
    net.run(500)
    assert len(net.log) == before
    assert not net.server._active


def test_an_interruption_is_heard_at_once_and_remembered_as_heard(net):
    net.add("R1")
    net.ask()
    net.run(40)
    net.bodies["R1"].speak(20)
    net.until("listening")
    net.until("idle", max_robots=800)
    net.run(20)
    (first, frames), (second, rest) = net.heard()
    assert (first, second) == (1, 2)
    assert 40 <= frames <= 60  # silent within 0.2 s of the five frames that make it sure
    assert rest == pytest.approx(100, abs=2)
    (cut,) = events(net, "Interrupted")
    assert cut["heard_ms"] == pytest.approx(20 * frames, abs=60)
    said = [text for role, text in net.texts() if role == "assistant"]
    words = cut["heard_text"].split()
    assert said == [" ".join(words) + "—", ALL]
    assert abs(len(words) - frames / 10) <= 1


def test_a_cough_pauses_and_the_reply_goes_on_where_it_was_heard(net):
    net.add("R1")
    net.ask()
    net.run(30)
    net.bodies["R1"].speak(7)
    net.until("idle")
    net.run(20)
    (one, before), (again, after) = net.heard()
    assert (one, again) == (1, 1)
    assert before + after == pytest.approx(100, abs=4)
    assert events(net, "Resumed")
    assert net.texts()[-1] == ("assistant", ALL)


def test_a_text_is_said_though_nobody_has_spoken(net):
    net.add("R1")
    net.post("owner", Outgoing("antiphon/v1/R1/cmd", b'{"cmd":"say","text":"one two three"}', 1))
    net.run(60)
    assert net.heard() == [(1, pytest.approx(30, abs=2))]


def test_a_response_topic_gets_its_answer(net):
    net.add("R1")
    for topic in ("antiphon/v1/R1/response/7", "antiphon/v1/R2/stop"):
        body = b'{"cmd":"mute"}'
        asked = Outgoing("antiphon/v1/R1/cmd", body, 1, response=topic, correlation=b"7")
        net.post("owner", asked)
    net.run(2)
    (answer,) = [m for _, m in net.log if m.correlation and not m.response]
    assert answer.topic == "antiphon/v1/R1/response/7"  # and nobody else is written to
    assert (answer.payload, answer.correlation) == (b'{"ok":true}', b"7")
    assert json.loads(net.retained["antiphon/v1/R1/state"])["muted"] is True


def test_many_robots_do_not_hear_each_other():
    responders = {}

    def make(session):
        responders[session.robot] = FakeResponder(level=0.1 * (1 + len(responders)))
        return converse(responders[session.robot])(session)

    net = Net(converse_=make)
    names = [f"R{i}" for i in range(4)]
    for name in names:
        net.add(name)
    for name in names:
        net.bodies[name].speak(20)
    net.run(200)
    for number, name in enumerate(names, 1):
        assert net.heard(name) == [(number, pytest.approx(100, abs=2))]


def test_a_snapshot_tells_a_robot_where_it_stands(net):
    net.add("R1")
    (told,) = events(net, "Snapshot")
    assert (told["state"], told["muted"], told["turns"]) == ("idle", False, 0)
    state = json.loads(net.retained["antiphon/v1/R1/state"])
    assert state["state"] == "idle" and state["session"] == net.robots["R1"]._session


def test_a_robot_with_another_sound_is_told_so(net):
    hello = {"protocol": 1, "session": 5, "audio_in": "audio/opus", "audio_out": "audio/opus"}
    hello["framing"] = "header"
    net.post("robot", Outgoing("antiphon/v1/R9/hello", json.dumps(hello).encode(), 1))
    net.run(2)
    (told,) = events(net, "Refused", "R9")
    assert "audio/pcm;rate=16000" in told["error"]
    assert "R9" not in net.server.sessions


class Spotter:
    """Spots a very loud frame, on the robot itself."""

    def step(self, mic):
        return bool(mic.max() > 0.8)


def test_the_word_stop_needs_no_network(net):
    stood_still = []
    net.add("R1", on_stop=lambda: stood_still.append(True))
    robot = net.robots["R1"]
    robot.microphone.stop_word = Spotter()
    net.ask()
    net.run(30)
    stood_still.clear()
    net.fault = lambda message, sender: []  # nothing reaches anybody any more
    before = sum(frames for _, frames in net.heard())
    net.bodies["R1"].speak(1, level=0.85)
    net.run(40)
    assert sum(frames for _, frames in net.heard()) <= before + 5
    robot.tool_runner._threads_for_stop().submit(int).result(5)
    assert stood_still
    (told,) = net.sent("stop")
    assert json.loads(told.payload) == {"reason": "stop word"}
