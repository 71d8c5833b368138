"""A server and robots in real time, at a real broker."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from typing import Any

import aiomqtt
import numpy as np
from mqtt_network import FakeGate
from mqtt_responders import FakeResponder, converse

from antiphon.runtime.audio.simulated_device import Simulated
from antiphon.runtime.clock import WallClock
from antiphon.runtime.frames import FRAME
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor
from antiphon.transports.mqtt.robot.robot import Robot
from antiphon.transports.mqtt.server.server import Server


class Clock(WallClock):
    """Real time, but for what a busy machine takes away: two glances are never far apart.

    So a moment in which nothing in this process runs is no moment for anybody in it; nor, with
    `follow`, is one in which the broker does not run.
    """

    LONGEST = 0.06

    def __init__(self) -> None:
        self._lock, self._seen, self._now = threading.Lock(), time.monotonic(), 1000.0
        self._until = math.inf

    def now(self) -> float:
        with self._lock:
            seen = time.monotonic()
            self._now = min(self._now + min(seen - self._seen, self.LONGEST), self._until)
            self._seen = seen
            return self._now

    async def follow(self, broker):
        """Let no more time pass than the broker answers for, until cancelled."""
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.user,
            password=broker.password,
            tls_context=broker.context(),
            identifier="clock",
            timeout=60,
        ) as line:
            try:
                while True:
                    self._until = self.now() + self.LONGEST
                    await line.subscribe("antiphon/v1/clock/event")
                    await asyncio.sleep(self.LONGEST / 6)
            finally:  # who waits for time waits for nobody now
                self._until = math.inf

    async def pass_(self, seconds):
        until = self.now() + seconds
        while self.now() < until:
            await asyncio.sleep(0.005)


class Body:
    """A robot with a simulated device, in real time."""

    def __init__(self, broker, clock, name="R1", **choices) -> None:
        self.level, self.clock = 0.0, clock
        frames = (np.full(FRAME, self.level, np.float32) for _ in itertools.count())
        self.duplex = Simulated(frames, 22_050, speed=1.0, keep=True, clock=clock)
        self.said = []
        self.task: asyncio.Task | None = None
        self.robot = Robot(
            broker,
            name,
            self.duplex,
            microphone=MicrophoneProcessor(),
            say=self.said.append,
            **choices,
        )
        faked: Any = self.robot
        faked._gate, faked._clock, faked.link.clock = FakeGate(), clock, clock

    async def speak(self, seconds=0.3, level=0.5):
        self.level = level
        await self.clock.pass_(seconds)
        self.level = 0.0

    def heard(self, level=0.1):
        """Seconds of sound that were heard, as of replies of one level."""
        return float(self.duplex.listened.sum()) / level / 16_000


class Stage:
    """A server and robots at a broker, in one event loop; a reply lasts a second."""

    def __init__(self, broker, make=None, *, steady=False) -> None:
        self.steady = steady
        """Whether time waits for the broker, which has to be there then."""
        self.broker, self.make = broker, make or converse(FakeResponder(words=5))
        self.clock = Clock()
        self.sleep = self.clock.pass_
        self.said = []
        self.tasks = []

    async def __aenter__(self):
        if self.steady:
            following = self.clock.follow(self.broker.address("server"))
            self.tasks.append(asyncio.create_task(following))
        await self.serve()
        return self

    async def __aexit__(self, *_):
        await end(self.tasks)

    async def serve(self):
        self.server = Server(self.broker.address("server"), self.make, say=self.said.append)
        self.server._clock = self.server.link.clock = self.clock
        task = asyncio.create_task(self.server.run())
        self.tasks.append(task)
        await self.until(lambda: self.server.link.connected)
        return task

    async def add(self, name="R1", user=None, **choices):
        body = Body(self.broker.address(user or name), self.clock, name, **choices)
        body.task = asyncio.create_task(body.robot.run())
        self.tasks.append(body.task)
        await self.until(lambda: body.task.done() or body.robot.state is not None)
        return body

    async def until(self, true, seconds=15):
        """Waits until something is true."""
        for _ in range(seconds * 100):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never came true")

    def session(self, name="R1"):
        return self.server.sessions[name]

    async def ask(self, body, name="R1"):
        await body.speak()
        await self.until(lambda: self.session(name).conversation.state == "speaking")

    async def finish(self, body, name="R1"):
        await self.until(lambda: self.session(name).conversation.state == "idle")
        await self.sleep(0.1)
