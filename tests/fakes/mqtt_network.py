"""A network of one's own: robots, server and a broker in one thread, with faults to order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from mqtt_responders import LEVEL, RATE, converse

from antiphon.runtime.audio.simulated_device import Simulated
from antiphon.runtime.frames import FRAME
from antiphon.transports.hermes.bridge import TOPICS
from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor
from antiphon.transports.mqtt.robot.robot import Robot
from antiphon.transports.mqtt.robot.tool_runner import ToolRunner
from antiphon.transports.mqtt.server.server import Server
from antiphon.transports.mqtt.wire import topics
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming


class FakeBody:
    """A robot's ear and mouth: says what it is told to, keeps what it plays."""

    frames: Iterator[Any]

    def __init__(self) -> None:
        self.to_say: deque[float] = deque()
        sound = (self._frame() for _ in itertools.count())
        self.duplex = Simulated(sound, RATE, keep=True)

    def _frame(self):
        level = self.to_say.popleft() if self.to_say else 0.0
        return np.full(FRAME, level, np.float32)

    def speak(self, frames=20, level=0.5):
        self.to_say.extend([level] * frames)


class FakeGate:
    """Takes every frame above 0.1 for speech."""

    def __init__(self):
        self.open = self.speech = False
        self.quiet = 50

    def step(self, frame, *, hold):
        self.speech = bool(np.abs(frame).max() > 0.1)
        self.quiet = 0 if self.speech else self.quiet + 1
        self.open = self.speech or hold or (self.open and self.quiet < 50)
        return [frame] if self.open else []


@dataclass
class Port:
    """Stands for a link: what is sent goes to the network."""

    net: Net
    side: object
    connected: bool = True
    broker = Broker("localhost", 1883)

    def send(self, message):
        if self.connected:
            self.net.post(self.side, message)
        return self.connected


class Net:
    """The broker and the lines to it, in virtual time.

    `fault(message, sender)` gives the delays with which a message arrives: none if it is lost, two
    if it is doubled.
    """

    def __init__(self, responder=None, converse_=None, formats=None) -> None:
        self.now = 100.0
        self.clock = SimpleNamespace(now=lambda: self.now)
        self.fault = lambda message, sender: [0.002]
        self.flying = []
        self.retained = {}
        self.robots: dict[str, Robot] = {}
        self.bodies: dict[str, FakeBody] = {}
        self.log = []
        self.said = []
        self.conversations = {}
        self.responder, self.formats = responder, formats
        self.make = converse_ or converse(responder, self.conversations)
        self.order = itertools.count()
        self.others = []
        self.serve()

    def serve(self):
        server = Server(
            Broker("localhost", 1883), self.make, formats=self.formats, say=self.said.append
        )
        self.server = cast(Any, server)
        self.server._clock = self.clock
        self.server._loop = SimpleNamespace(call_soon_threadsafe=lambda f, *a: f(*a))
        self.server._finish = self.said.append
        self.server.link = Port(self, self.server)
        self.join_server()

    def join_server(self):
        self.server.link.connected = True
        for topic, payload in list(self.retained.items()):
            if self.reads(self.server, topic):
                self.server.handle(Incoming(topic, payload, retained=True))
        for message in self.server._opened():
            self.server.link.send(message)
        self.run(2)

    def responder_of(self, name="R1"):
        return self.conversations[name].responder

    def add(self, name, *, tools=None, on_stop=None, version=5, key=None, formats=None):
        body = FakeBody()
        tool_runner = ToolRunner(tools, on_stop)
        robot = Robot(
            Broker("localhost", 1883),
            name,
            body.duplex,
            tool_runner=tool_runner,
            microphone=MicrophoneProcessor(),
            version=version,
            formats=formats,
            say=self.said.append,
        )
        faked: Any = robot
        faked._clock, faked._gate = self.clock, FakeGate()
        faked.link = Port(self, robot)
        body.frames = iter(body.duplex)
        self.robots[key or name], self.bodies[key or name] = robot, body
        self.join(robot)
        return body

    def join(self, robot):
        robot.link.connected = True
        for topic, payload in list(self.retained.items()):
            if self.reads(robot, topic):
                robot.handle(Incoming(topic, payload, retained=True))
        for message in robot._opened():
            robot.link.send(message)
        self.run(2)

    def leave(self, robot):
        """The line of a robot breaks; the broker says its last will."""
        robot.link.connected = False
        robot._lost("test")
        self.post(robot, robot._status_message("offline"))

    def post(self, sender, message):
        if message.retain:
            self.retained[message.topic] = message.payload
        self.log.append((self.now, message))
        for delay in self.fault(message, sender):
            self.flying.append((self.now + delay, next(self.order), message))

    def bridge(self, hermes):
        """Another one that reads and writes at the broker."""
        hermes.link = Port(self, hermes)
        self.others.append(hermes)

    def reads(self, who, topic):
        wanted = who.topics.for_robot() if isinstance(who, Robot) else topics.for_server()
        wanted = TOPICS if who in self.others else wanted
        return any(matches(pattern, topic) for pattern, _ in wanted)

    def deliver(self):
        due = sorted(each for each in self.flying if each[0] <= self.now)
        for each in due:
            self.flying.remove(each)
            m = each[2]
            told = m.content_type, m.properties, m.response, m.correlation
            arrived = Incoming(m.topic, m.payload, False, *told)
            for who in [self.server, *self.robots.values(), *self.others]:
                if who.link.connected and self.reads(who, m.topic):
                    who.handle(arrived)

    def run(self, frames):
        """Lets frames of 20 ms pass."""
        for _ in range(frames):
            for name, robot in self.robots.items():
                robot._frame_slots.acquire()
                robot._take(next(self.bodies[name].frames))
            for _ in range(4):
                self.now += 0.005
                self.deliver()
            for hermes in self.others:
                hermes.tick()
            for name in list(self.server._active):
                session = self.server.sessions.get(name)
                if session is None:
                    self.server._active.discard(name)
                    continue
                session.tick()
                if not session.active:
                    self.server._active.discard(name)
                    session.report()

    def until(self, state, name="R1", max_robots=500):
        """Lets time pass until a robot's conversation is in a state."""
        for _ in range(max_robots):
            if self.state(name) == state:
                return
            self.run(1)
        raise AssertionError(f"{name} never became {state}")

    def state(self, name="R1"):
        return self.server.sessions[name].conversation.state

    def ask(self, name="R1", frames=20):
        """A robot's owner asks something, and the answer begins."""
        self.bodies[name].speak(frames)
        self.run(frames)
        self.until("speaking", name)

    def heard(self, name="R1"):
        """What the listener heard: number of the reply and frames of it, silence left out.

        A single frame is the fade at the end of a louder one.
        """
        sound = self.bodies[name].duplex.listened
        peaks = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).max(1)
        runs = itertools.groupby(np.rint(peaks / LEVEL).astype(int).tolist())
        found = [(number, len(list(run))) for number, run in runs if number]
        return [(number, count) for number, count in found if count > 1]

    def frames(self, name="R1"):
        """Frames of the first reply's level that all sound heard so far would fill."""
        return float(self.bodies[name].duplex.listened.sum()) / (LEVEL * FRAME)

    def texts(self, name="R1"):
        return [(turn.role, turn.text) for turn in self.conversations[name].history]

    def sent(self, leaf, name="R1"):
        return [m for _, m in self.log if m.topic == f"antiphon/v1/{name}/{leaf}"]


def matches(pattern, topic):
    wanted, given = pattern.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(
        w in ("+", g) for w, g in zip(wanted, given, strict=True)
    )
