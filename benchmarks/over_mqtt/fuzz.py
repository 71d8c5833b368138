"""Malformed messages, and whether anybody responders."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
from tqdm import tqdm

from antiphon.runtime.frames import RATE, played
from antiphon.transports.mqtt.robot.robot import Robot
from antiphon.transports.mqtt.robot.tool_file import Function
from antiphon.transports.mqtt.robot.tool_runner import ToolRunner
from antiphon.transports.mqtt.server.server import Server
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming, sound
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.formats.negotiation import have
from antiphon.transports.mqtt.wire.packets import MAX_FRAMES, Packet
from over_mqtt.parrot import OUT, EchoProbe, Parrot


class Fuzz:
    """A server and a robot without a network, and what they are made to swallow."""

    def __init__(self, opus: Literal["yes", "no"], seed: int = 0) -> None:
        formats = have(RATE, 50 * OUT, opus=opus)
        self.chance = random.Random(seed)
        self.crashes: list[str] = []
        broker = Broker("localhost", 1)
        converse: Any = lambda session: Parrot()  # noqa: E731
        sent: list[Any] = []
        port = SimpleNamespace(connected=True, send=sent.append, broker=broker)
        self.server = cast(Any, Server(broker, converse, formats=formats, say=self.note))
        self.server._loop = SimpleNamespace(call_soon_threadsafe=lambda f, *a: f(*a))
        robot = Robot(
            broker,
            "R1",
            EchoProbe(True),
            tool_runner=ToolRunner({"f": tool()}),
            formats=formats,
        )
        self.robot = cast(Any, robot)
        self.server.link = self.robot.link = port
        self.topics = self.robot.topics
        hello, status = self.robot._opened()[1], self.server._opened()[0]
        self.pass_on(Incoming(hello.topic, hello.payload))
        self.pass_on(Incoming(status.topic, status.payload))
        for message in sent:
            self.pass_on(Incoming(message.topic, message.payload))
        session = self.robot._session
        self.good: list[Callable[[], Incoming]] = []
        stream, (up, down) = self.robot.player.stream or 0, (formats.up[0], formats.down[0])
        for kind in ("properties", "header"):
            self.good.append(self.sound("audio/in", session, 0, up, kind))
            self.good.append(self.sound("audio/out", stream, 1, down, kind))
        told = [Incoming(m.topic, m.payload) for m in (*sent, hello, status)]
        samples = {
            "cmd": {"cmd": "say", "text": "hello"},
            "stop": {"reason": "test"},
            "audio/heard": {"stream": 1, "generation": 1, "samples": 5},
            "tool/f/result": {"call": "a", "session": session, "ok": True, "value": [1]},
            "tool/f/call": {
                "call": "a",
                "stream": self.robot.player.stream,
                "arguments": {},
                "sent": 1,
                "expires": 1,
            },
        }
        told += [
            Incoming(self.topics(leaf), json.dumps(fields).encode())
            for leaf, fields in samples.items()
        ]
        self.good += [partial(lambda each: each, each) for each in told]

    def sound(
        self, leaf: str, session: int, generation: int, format_: Format, framing: Any
    ) -> Callable[[], Incoming]:
        """Makes sound of this very moment, each a piece further."""
        coder, starts = format_.coder(), itertools.count(0, MAX_FRAMES * played(format_.rate))

        def make() -> Incoming:
            pcm = np.zeros(MAX_FRAMES * played(format_.rate), np.float32)
            sent = round(1000 * time.monotonic())
            packet = Packet(session, generation, sent, next(starts), coder.encode(pcm))
            made = sound(self.topics(leaf), packet, format_, framing)
            return Incoming(made.topic, made.payload, False, made.content_type, made.properties)

        return make

    def note(self, sentence: str) -> None:
        """A conversation that broke is a crash."""
        if "broke" in sentence:
            self.crashes.append(sentence)

    def pass_on(self, message: Incoming) -> None:
        """To whoever reads it."""
        for who in (self.server, self.robot):
            try:
                who.handle(message)
            except Exception as error:  # noqa: PERF203, that is what is measured
                self.crashes.append(f"{type(error).__name__}: {error}")

    def malformed(self) -> Incoming:
        """A good message with something wrong."""
        chance = self.chance
        good = chance.choice(self.good)()
        payload = bytearray(good.payload)
        topic, kind = good.topic, good.content_type
        properties = list(good.properties)
        change = chance.randrange(8)
        if change == 0:
            payload = bytearray(chance.randbytes(chance.randrange(200)))
        elif change == 1:
            payload = payload[: chance.randrange(len(payload) + 1)]
        elif change == 2:
            for _ in range(1 + chance.randrange(5)):
                if payload:
                    payload[chance.randrange(len(payload))] = chance.randrange(256)
        elif change == 3:
            values = [None, [], {}, -1, 1e300, "x" * 300, 2**70, "\x00", True]
            keys = ["stream", "session", "text", "cmd", "state", "tools", "sent", "call", "x"]
            wrong = {key: chance.choice(values) for key in chance.sample(keys, 3)}
            payload = bytearray(json.dumps(wrong).encode())
        elif change == 4:
            payload = bytearray(b"[" * chance.randrange(5000))
        elif change == 5:
            leaf = "/".join(chance.choice(["tool", "f", "call", "", "state", "%"]) for _ in "123")
            topic = chance.choice([self.topics(leaf), "antiphon/v1/x", "antiphon/v1//cmd", leaf])
        elif change == 6:
            kind = chance.choice(["audio/pcm", "", "\u0000", "audio/pcm;rate=1;channels=1"])
        else:
            properties = [(n, chance.choice(["-1", "x", "", "9" * 40, v])) for n, v in properties]
            payload += b"\x00"
        return Incoming(topic, bytes(payload), chance.random() < 0.1, kind, properties)


def tool() -> Function:
    """Something a robot can do."""

    def f() -> None:
        """Do nothing."""

    return Function(f)


def fuzz(messages: int) -> dict[str, Any]:
    """Malformed messages to a server and a robot that speak PCM, and to two that speak Opus."""

    async def work() -> list[Fuzz]:
        both = [Fuzz("no"), Fuzz("yes")]
        for number in tqdm(range(messages), desc="malformed", unit="message", mininterval=1):
            fuzzing = both[number % 2]
            fuzzing.pass_on(fuzzing.malformed())
        return both

    both = asyncio.run(work())
    crashes = [crash for each in both for crash in each.crashes]
    refused = sum(sum(each.server.malformed.values()) + each.robot.malformed for each in both)
    return {
        "fuzz_crashes": len(crashes),
        "fuzz_messages": messages,
        "fuzz_refused": refused,
        **({"fuzz_first_crash": crashes[0]} if crashes else {}),
    }
