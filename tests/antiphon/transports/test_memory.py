"""Whatever happens, the words that are remembered are those of which it was told that they sounded.

`ANTIPHON_HISTORIES=1000` in the environment tries so many random histories of each transport.
"""

from __future__ import annotations

import os
import random

import numpy as np
from heard_oracle import COUNTS, HeardOracle, converse
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from mqtt_network import Net
from satellite import Satellite

from antiphon.transports.mqtt.wire.envelope import Outgoing

HISTORIES = int(os.environ.get("ANTIPHON_HISTORIES", "8"))
PROFILE = settings(
    max_examples=HISTORIES,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
frames = st.integers(1, 120)
seeds = st.integers(0, 1000)


class Histories(RuleBasedStateMachine):
    """What robots and satellites have in common."""

    name = "R1"

    def __init__(self) -> None:
        super().__init__()
        COUNTS["histories"] += 1
        self.oracle = HeardOracle().__enter__()
        self.talks = []
        self.net = Net(converse_=self.converse)

    @property
    def session(self):
        return self.net.server.sessions.get(self.name)

    def converse(self, session):
        self.talks.append(converse(session, {}))
        return self.talks[-1]

    def run_for(self, count):
        self.net.run(count)

    @rule(count=frames)
    def time_passes(self, count):
        self.run_for(count)

    @rule(words=st.integers(1, 8))
    def a_text_is_said(self, words):
        body = b'{"cmd":"say","text":"%s"}' % b" ".join([b"word"] * words)
        self.net.post("owner", Outgoing(f"antiphon/v1/{self.name}/cmd", body, 1))
        self.run_for(words * 5)

    @rule()
    def somebody_stops_it(self):
        self.net.post("owner", Outgoing(f"antiphon/v1/{self.name}/stop", b"", 1))
        self.run_for(3)

    @rule(index=st.integers(0, 10_000), count=st.integers(1, 3))
    def old_confirmations_come_again(self, index, count):
        told = [m for _, m in self.net.log if m.topic.endswith("audio/heard")]
        for message in told[index % len(told) :][:count] if told else ():
            self.net.post("ghost", message)
        self.run_for(1)

    @rule(count=st.integers(5, 150))
    def the_network_stalls(self, count):
        until, fault = self.net.now + count * 0.02, self.net.fault
        self.net.fault = lambda message, sender: [max(0.0, until - self.net.now) + 0.002]
        self.run_for(count)
        self.net.fault = fault
        self.run_for(5)

    def settle(self):
        """Everything works again, and what was begun is ended."""
        self.net.fault = lambda message, sender: [0.002]
        for _ in range(40):
            self.run_for(50)
            if self.session is not None and self.session.conversation.state == "idle":
                break

    def teardown(self):
        try:
            self.settle()
            assert not self.oracle.wrong
            assert self.session.conversation.state == "idle"
            for talk in self.talks:
                said = [turn.text for turn in talk.history if turn.role == "assistant"]
                assert said == self.oracle.remembered[id(talk._turns.agent_turn)]
        finally:
            self.oracle.__exit__()


class Robots(Histories):
    """A robot over MQTT."""

    @initialize(version=st.sampled_from([3, 5]))
    def a_robot_connects(self, version):
        self.version, self.played = version, set()
        self.add()

    def add(self):
        """A robot whose speaker's frames are noted down."""
        self.net.add("R1", version=self.version)
        duplex, play = self.robot.player._duplex, self.robot.player._duplex.play

        def noting(frame):
            self.played.add(np.rint(frame * 32768).astype("<i2").tobytes())
            play(frame)

        duplex.play = noting

    def settle(self):
        super().settle()
        assert self.oracle.told <= self.played  # and nothing else was confirmed

    @property
    def robot(self):
        return self.net.robots["R1"]

    @rule()
    def somebody_asks(self):
        self.net.bodies["R1"].speak(20)
        self.run_for(35)

    @rule(count=st.integers(3, 30))
    def somebody_interrupts(self, count):
        self.net.bodies["R1"].speak(count)
        self.run_for(count + 5)

    @rule()
    def the_robot_is_stopped(self):
        self.robot.halt("button")
        self.run_for(2)

    @rule(seed=seeds, loss=st.floats(0, 0.4), wait=st.floats(0, 0.3), count=frames)
    def the_network_loses_doubles_and_mixes(self, seed, loss, wait, count):
        chance = random.Random(seed)

        def fault(message, sender):
            if not message.topic.endswith(("audio/in", "audio/out", "audio/heard")):
                return [0.002]
            times = chance.choices([0, 1, 2], [loss, 1 - loss, 0.1])[0]
            return [0.002 + wait * chance.random() for _ in range(times)]

        self.net.fault = fault
        self.run_for(count)
        self.net.fault = lambda message, sender: [0.002]

    @rule(count=st.integers(0, 250))
    def the_line_of_the_robot_breaks(self, count):
        self.net.leave(self.robot)
        self.run_for(count)
        self.net.join(self.robot)

    @rule(count=st.integers(0, 250))
    def the_broker_is_started_again(self, count):
        net = self.net
        self.robot.link.connected = net.server.link.connected = False
        self.robot._lost("test")
        net.server._lost("test")
        net.flying.clear()
        self.run_for(count)
        net.server.link.connected = True
        net.join_server()
        net.join(self.robot)

    @rule(count=st.integers(0, 250), told=st.booleans())
    def the_robot_is_started_again(self, count, told):
        if told:
            self.net.leave(self.robot)
        del self.net.robots["R1"]
        self.run_for(count)
        self.add()

    @rule(count=st.integers(0, 50))
    def another_robot_has_the_same_name(self, count):
        first, self.robot._finish = self.robot, lambda error: None
        self.net.robots["old"], self.net.bodies["old"] = first, self.net.bodies["R1"]
        self.add()
        self.run_for(count)
        self.net.leave(first)
        del self.net.robots["old"]

    @rule(count=st.integers(0, 100))
    def the_server_is_started_again(self, count):
        self.net.server.link.connected = False
        self.net.post("broker", self.net.server._status_message("offline"))
        self.run_for(count)
        self.net.serve()


class Satellites(Histories):
    """One of Rhasspy's satellites, which says `playFinished`."""

    name = "kitchen"

    @initialize()
    def a_satellite_connects(self):
        self.satellite = Satellite(self.net, "kitchen")
        self.introduce()

    def introduce(self):
        """From its first `playFinished` on, the satellite is known to say it."""
        self.satellite.lost = lambda: False
        self.satellite.send("tts/say", siteId="kitchen", text="one", id="hello")
        self.run_for(120)

    def run_for(self, count):
        self.satellite.run(count)

    @rule()
    def the_wake_word_is_heard(self):
        self.satellite.send("hotword/hey/detected", siteId="kitchen", modelId="hey")
        self.run_for(3)

    @rule()
    def somebody_asks(self):
        self.satellite.speak(20)
        self.run_for(40)

    @rule(words=st.integers(0, 12), kind=st.sampled_from(["action", "notification"]))
    def a_session_is_started(self, words, kind):
        init = {"type": kind, "text": " ".join(["word"] * words)}
        self.satellite.send("dialogueManager/startSession", siteId="kitchen", init=init)
        self.run_for(10)

    @rule(words=st.integers(0, 5), what=st.sampled_from(["endSession", "continueSession"]))
    def a_session_is_ended_or_continued(self, words, what):
        told, text = self.satellite.told("dialogueManager/sessionStarted"), " ".join(["w"] * words)
        name = told[-1]["sessionId"] if told else "none"
        self.satellite.send(f"dialogueManager/{what}", sessionId=name, text=text)
        self.run_for(10)

    @rule(seed=seeds, loss=st.floats(0, 1.0))
    def files_get_lost(self, seed, loss):
        chance = random.Random(seed)
        self.satellite.lost = lambda: chance.random() < loss

    @rule(late=st.floats(0, 4))
    def the_satellite_is_late(self, late):
        self.satellite.late = late

    @rule()
    def the_satellite_is_started_again(self):
        self.satellite.restart()

    @rule(count=st.integers(1, 5))
    @precondition(lambda self: self.satellite.finished)
    def it_says_again_what_it_has_played(self, count):
        for request in self.satellite.finished[-count:]:
            self.satellite.acknowledge(request)
        self.run_for(2)

    @rule(count=st.integers(0, 50))
    def the_server_is_started_again(self, count):
        self.net.server.link.connected = False
        self.net.others.clear()
        self.run_for(count)
        self.net.serve()
        self.satellite.connect()
        self.satellite.late = 0.0
        self.introduce()

    def settle(self):
        self.satellite.lost, self.satellite.late = lambda: False, 0.0
        super().settle()
        assert self.oracle.told <= self.satellite.acknowledged  # and nothing else was confirmed


RobotsTest, SatellitesTest = Robots.TestCase, Satellites.TestCase
RobotsTest.settings = SatellitesTest.settings = PROFILE
