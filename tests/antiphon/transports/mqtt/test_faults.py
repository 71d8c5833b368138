"""Whatever the network does: nothing stale is heard, and the conversation comes back by itself."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mqtt_network import Net
from mqtt_responders import FakeResponder

from antiphon.tools import Call
from antiphon.transports.mqtt.robot.tool_file import Function
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.packets import Packet

ALL = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"
SOUND = ("audio/in", "audio/out")


def is_sound(message):
    return message.topic.endswith(SOUND)


def finish(net, name="R1"):
    net.until("idle", name, max_robots=1500)
    net.run(30)


def test_lost_doubled_and_reordered_sound_is_never_heard_twice(net):
    chance = random.Random(3)

    def fault(message, sender):
        if not is_sound(message):
            return [0.002]
        kind = chance.random()
        return [] if kind < 0.1 else [0.002, 0.01] if kind < 0.2 else [chance.uniform(0.002, 0.05)]

    net.add("R1")
    net.fault = fault
    for _ in range(3):
        before = net.frames()
        net.ask(frames=25)
        finish(net)
        number = net.conversations["R1"].responder.replies  # those taken back count, too
        heard = (net.frames() - before) / number
        assert 65 <= heard <= 101  # some was lost, nothing came twice
    asked = [text for role, text in net.texts() if role == "user"]
    assert [int(text.split()[0]) for text in asked] == pytest.approx([22, 22, 22], abs=8)
    assert net.server.sessions["R1"]._in.late > 0


def test_five_seconds_of_a_stalled_network_leave_nothing_stale(net):
    net.add("R1")
    net.ask()
    net.run(30)
    until = net.now + 5.0

    def stall(message, sender):
        return [max(0.0, until - net.now) + 0.002]

    net.fault = stall
    net.bodies["R1"].to_say.extend([0.0] * 50 + [0.5] * 30)  # said into the void
    net.run(300)
    heard = sum(frames for reply, frames in net.heard())
    assert heard <= 60  # what was on its way when the network stood still, not the rest of it
    replies = net.responder_of().replies
    net.run(100)
    assert net.responder_of().replies == replies  # what was said into the void is not answered late
    net.ask()
    finish(net)
    last, frames = net.heard()[-1]
    assert last == replies + 1
    assert frames == pytest.approx(100, abs=3)


def test_the_reply_goes_on_when_the_broker_comes_back(net):
    net.add("R1")
    net.ask()
    net.run(30)
    robot = net.robots["R1"]
    robot.link.connected = net.server.link.connected = False
    robot._lost("test")
    net.server._lost("test")
    net.flying.clear()
    net.run(40)
    assert sum(frames for _, frames in net.heard()) <= 40
    net.server.link.connected = True
    net.join_server()
    net.join(robot)
    finish(net)
    assert {reply for reply, _ in net.heard()} == {1}
    assert sum(frames for _, frames in net.heard()) == pytest.approx(100, abs=20)
    assert net.texts()[-1] == ("assistant", ALL)


def test_a_reply_does_not_wait_for_ever(net):
    net.add("R1")
    net.ask()
    net.run(30)
    net.leave(net.robots["R1"])
    net.run(300)
    assert net.state() == "idle"
    net.join(net.robots["R1"])
    net.run(100)
    assert sum(frames for _, frames in net.heard()) < 45
    assert net.texts()[-1][1].endswith("—")


def test_a_restarted_server_knows_the_robots_and_no_old_sound(net):
    net.add("R1")
    net.ask()
    net.run(30)
    late = [m for _, m in net.log if m.topic.endswith("audio/out")][-1]
    net.server.link.connected = False
    net.post("broker", net.server._status_message("offline"))
    net.run(5)
    before = net.heard()
    net.serve()
    net.post("ghost", late)
    net.run(50)
    assert net.heard() == before or sum(n for _, n in net.heard()) <= 40
    net.ask()
    finish(net)
    assert net.heard()[-1] == (1, pytest.approx(100, abs=3))  # a new responder counts anew


def test_the_second_robot_of_a_name_takes_over_and_the_first_says_why(net):
    net.add("R1")
    net.add("R2")
    net.ask()
    first = net.robots["R1"]
    ended = []
    first._finish = ended.append
    net.add("R1", key="other")
    net.run(3)
    assert "called 'R1', too" in str(ended[0])
    net.leave(first)  # its last will does not make the second one look gone
    del net.robots["R1"]
    net.run(5)
    assert net.server.sessions["R1"].gone_since is None
    net.bodies["other"].speak(20)
    net.run(200)
    assert net.heard("other")[-1][1] == pytest.approx(100, abs=3)
    net.ask("R2")
    finish(net, "R2")
    assert net.heard("R2")[-1][1] == pytest.approx(100, abs=3)


def test_a_second_server_takes_over_and_the_first_says_why(net):
    net.add("R1")
    first = net.server
    net.said.clear()
    first.handle(Incoming("antiphon/v1/server/status", b'{"state":"online","session":1}'))
    assert any("Another server" in str(each) for each in net.said)


def test_sound_of_an_older_generation_is_not_played(net):
    net.add("R1")
    net.ask()
    net.run(30)
    old = [m for _, m in net.log if m.topic.endswith("audio/out")][-3:]
    net.post("owner", Outgoing("antiphon/v1/R1/stop", b"", 1))
    net.run(10)
    before = net.heard()
    for message in old:
        net.post("ghost", message)
    net.run(20)
    assert net.heard() == before
    assert net.state() == "idle"


def test_stop_silences_within_a_frame_or_two_and_the_next_answer_is_heard(net):
    net.add("R1")
    net.ask()
    net.run(30)
    net.post("owner", Outgoing("antiphon/v1/R1/stop", b"", 1))
    net.run(40)
    assert sum(frames for _, frames in net.heard()) <= 36
    net.ask()
    finish(net)
    assert net.heard()[-1] == (2, pytest.approx(100, abs=2))


def test_the_spoken_stop_reaches_the_robot_itself(net):
    net.add("R1")
    net.ask()
    net.run(30)
    net.bodies["R1"].speak(1, level=1.0)
    net.run(20)
    (stop,) = net.sent("stop")
    assert b"stop word" in stop.payload
    assert net.state() == "idle"


def test_a_conversation_that_breaks_begins_anew_and_the_others_go_on(net):
    net.add("R1")
    net.add("R2")
    net.ask("R2")

    def broken(mic):
        raise ZeroDivisionError("a bug")

    net.server.sessions["R1"].conversation.step = broken
    net.bodies["R1"].speak(5)
    net.run(10)
    assert any("a bug" in str(said) for said in net.said)
    finish(net, "R2")
    assert net.heard("R2") == [(1, pytest.approx(100, abs=2))]
    net.run(40)
    net.ask("R1")
    finish(net)
    assert net.heard()[-1][1] == pytest.approx(100, abs=2)


def test_one_robot_that_floods_does_not_take_the_time_of_the_others(net):
    net.add("R1")
    net.add("R2")
    session = net.server.sessions["R1"]
    steps = []
    real = session.conversation.step
    session.conversation.step = lambda mic: steps.append(1) or real(mic)
    robot = net.robots["R1"]
    for index in range(5000):
        sent = round(1000 * net.now)
        packet = Packet(robot._session, 0, sent, 320 * index, bytes(640))
        net.post(robot, sound(robot.topics("audio/in"), packet, pcm(16_000), "header"))
    net.run(3)
    assert len(steps) < 150
    net.ask("R2")
    finish(net, "R2")
    assert net.heard("R2") == [(1, pytest.approx(100, abs=2))]


def test_a_robot_that_says_nothing_of_what_was_heard_is_not_talked_to_for_ever(net):
    net.add("R1")
    net.fault = lambda m, sender: [] if m.topic.endswith("audio/heard") else [0.002]
    net.ask()
    net.run(200)
    assert net.state() == "idle"
    assert [role for role, _ in net.texts()] == ["user"]  # nothing is known to have been heard


@settings(max_examples=8)
@given(st.data())
def test_any_network_leaves_order_in_what_is_heard(data):
    """The listener hears each reply once, forwards, and never an older one after a newer one."""
    seed = data.draw(st.integers(0, 1000))
    loss = data.draw(st.floats(0, 0.3))
    wait = data.draw(st.floats(0, 0.4))
    chance = random.Random(seed)
    net = Net(FakeResponder(words=4))
    net.add("R1")

    def fault(message, sender):
        if not is_sound(message):
            return [0.002 + wait * chance.random() * 0.1]
        times = chance.choices([0, 1, 2], [loss, 1 - loss, 0.1])[0]
        return [0.002 + wait * chance.random() for _ in range(times)]

    net.fault = fault
    for _ in range(2):
        net.bodies["R1"].speak(25)
        net.run(150)
    net.fault = lambda message, sender: [0.002]
    net.run(200)
    numbers = [number for number, _ in net.heard()]
    assert numbers == sorted(numbers)
    for number in set(numbers):
        assert sum(frames for reply, frames in net.heard() if reply == number) <= 42
    net.bodies["R1"].speak(25)
    net.run(100)
    assert net.heard()[-1][1] == pytest.approx(40, abs=3)


@pytest.fixture
def lamp(net):
    """A robot with a lamp, and the calls that reach it."""

    def turn(on: bool) -> None:
        """Turn the lamp on or off."""

    net.add("R1", tools={"turn": Function(turn)})
    calls = []
    net.robots["R1"].tool_runner.call = lambda name, call, *rest: calls.append(call.call)
    return calls


def test_a_call_waits_until_the_turn_is_over_for_sure(net, lamp):
    session = net.server.sessions["R1"]
    net.bodies["R1"].speak(20)
    net.run(10)
    assert net.state() == "listening"
    wanted, taken_back = Call("turn", {"on": True}), Call("turn", {"on": False})
    session.execute(wanted)
    session.execute(taken_back).cancel()
    net.run(5)
    assert lamp == []
    net.until("speaking")
    net.run(5)
    assert lamp == [wanted.id]


def test_a_stop_gives_up_the_calls_that_wait(net, lamp):
    session = net.server.sessions["R1"]
    net.bodies["R1"].speak(20)
    net.run(10)
    held = session.execute(Call("turn", {"on": True}))
    net.post("owner", Outgoing("antiphon/v1/R1/stop", b"", 1))
    net.run(100)
    assert held.result().error == "the robot was stopped"
    assert lamp == []


def test_a_call_nobody_answers_is_given_up(net, lamp):
    net.ask()
    future = net.server.sessions["R1"].execute(Call("turn", {"on": True}))
    net.run(5)
    assert len(lamp) == 1
    net.run(1700)
    assert "did not answer in time" in future.result().error


def test_a_tool_that_was_not_announced_is_not_called(net, lamp):
    net.ask()
    future = net.server.sessions["R1"].execute(Call("fly", {}))
    assert "no tool 'fly'" in future.result().error
