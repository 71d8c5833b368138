"""A robot over MQTT."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import time
from typing import Any, cast

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.frames import FRAME, FRAME_MS
from antiphon.runtime.frames import RATE as HEARD_RATE
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.robot.heard_reports import HeardReports
from antiphon.transports.mqtt.robot.player import Player
from antiphon.transports.mqtt.wire import messages, packets
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats import pcm
from antiphon.transports.mqtt.wire.link import Link
from antiphon.transports.mqtt.wire.messages import Hello, Status
from antiphon.transports.mqtt.wire.packets import Packet
from antiphon.transports.mqtt.wire.topics import SERVER_STATUS, Topics
from over_faces import client
from over_faces.damage import damaged
from over_faces.hosting import RATE as RATE

UP, DOWN = pcm.pcm(HEARD_RATE), pcm.pcm(RATE)
GATE_SECONDS = 1.0
"""Seconds of silence that a robot sends after speech; then it sends nothing."""


class Speaker:
    """Plays at once what it is given; a frame is heard when the next one is given."""

    def __init__(self) -> None:
        self.pushed = self.heard = 0

    def play(self, frame: Any) -> None:
        """See `Duplex`."""
        self.heard, self.pushed = self.pushed, self.pushed + len(frame)

    def clear(self) -> int:
        """See `Duplex`."""
        return self.heard


class Client(client.Client):
    """One conversation."""

    async def connect(self) -> None:
        """See `Client`."""
        self.player = Player(cast(Duplex, Speaker()), RATE)
        self.interrupted = asyncio.Event()
        self.topics, self._session = Topics(self.name), secrets.randbits(32)
        self._reports, self._state = HeardReports(self.player), "idle"
        self._at, self._quiet, self._ready = 0, 0.0, asyncio.Event()
        self._base: int | None = None
        self._cut_at = 0
        hello = Hello(self._session, UP.content_type, DOWN.content_type)
        said = Outgoing(self.topics("hello"), hello.body(), 1, retain=True)
        opening = self._status("online"), said  # kept for a server that comes later
        self.link = Link(
            Broker("127.0.0.1", self.port),
            identifier=f"{self.name}-{self._session:08x}",
            topics=self.topics.for_robot(),
            handle=self._take,
            opened=lambda: opening,
            will=self._status("offline"),
        )
        self._line = asyncio.create_task(self.link.run())
        await asyncio.wait_for(self._ready.wait(), 20)

    def _status(self, state: Any) -> Outgoing:
        body = Status(state, self._session).body()
        return Outgoing(self.topics("status"), body, 1, retain=True)

    async def leave(self) -> None:
        """See `Client`."""
        await end([self._line])

    async def cut(self) -> None:
        """See `Client`."""
        self.link.will = None  # the broker, not we, says that we are gone
        self._line.cancel()

    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """See `Client`."""
        self.talked += seconds
        count = round(seconds * 1000 / FRAME_MS)
        for _ in range(count):
            self.player.step()
        self._report()
        self._quiet = 0.0 if level else self._quiet + seconds
        start, self._at = self._at, self._at + count * FRAME
        if self._quiet > GATE_SECONDS and self._state == "idle":
            return
        sent = round(1000 * time.monotonic())
        pcm = client.sixteen_bits(self.levels(count * FRAME, HEARD_RATE, level, late))
        packet = Packet(self._session, 0, sent, start, pcm)
        self.link.send(sound(self.topics("audio/in"), packet, UP, "properties"))

    def _report(self, *, always: bool = False) -> None:
        speaks = self._state == "speaking"
        for heard in self._reports.due(time.monotonic(), waited_for=speaks, always=always):
            self.link.send(Outgoing(self.topics("audio/heard"), heard.body()))

    @property
    def received(self) -> float:
        """Seconds that were played of the reply that came last."""
        return 0.0 if self._base is None else (self.player.at - self._base) / RATE

    async def truncate(self, chance: Any) -> float:
        """The seconds that were played of it: they are told as soon as it is stopped."""
        return (self._cut_at - (self._base or 0)) / RATE

    def _take(self, message: Incoming) -> None:
        leaf = message.topic.removeprefix(self.topics(""))
        if message.topic == SERVER_STATUS or leaf in ("hello", "status"):
            return
        if leaf == "audio/out" and self.player.format is not None:
            packet = packets.read(message.payload, message.content_type, message.properties, DOWN)
            self._base = packet.start if self._base is None else self._base
            if self.player.take(packet, time.monotonic()):
                self._report(always=True)
            self.came(DOWN.coder().samples(packet.body) / RATE)
        elif leaf == "state":
            self._follow(messages.read(messages.State, message.payload))
        elif leaf == "event":
            self.answers += json.loads(message.payload)["event"] == "ReplyFinished"

    def _follow(self, state: messages.State) -> None:
        if state.session != self._session:
            return
        self.player.follow(state.stream, DOWN)
        self._state = state.state
        if state.generation > self.player.generation:
            self.player.clear(state.generation)
            self._cut_at = self.player.at
            self._report(always=True)
            self.interrupted.set()
        self._ready.set()


# What a hostile robot sends

HELLO = {
    "session": 1,
    "audio_in": UP.content_type,
    "audio_out": DOWN.content_type,
    "framing": "properties",
    "tools": [{"name": "lamp", "description": "Switch the lamp.", "parameters": {}}],
    "protocol": 1,
}
MESSAGES: list[dict[str, Any]] = [
    {"leaf": "hello", "body": HELLO},
    {"leaf": "status", "body": {"state": "online", "session": 1, "version": "1"}},
    {"leaf": "cmd", "body": {"cmd": "say", "text": "hello", "name": "a"}},
    {"leaf": "cmd", "body": {"cmd": "stop"}},
    {"leaf": "stop", "body": {"reason": "test"}},
    {"leaf": "audio/heard", "body": {"stream": 1, "generation": 1, "samples": 5, "start": 1}},
    {"leaf": "tool/lamp/result", "body": {"call": "a", "session": 1, "ok": True, "value": [1]}},
]
"""One of every message that a robot may send."""
BATCH = 500
"""Damaged messages after which a good hello must be answered."""
HELLOS, HELLO_SECONDS = 30, 2.0
"""How often it is said, and the seconds in which it has to be answered."""


async def attack(port: int, count: int, seed: int, tally: Any) -> Any:
    """Damaged messages of one robot; yields after each batch, all of which is taken by then."""
    chance, messages = random.Random(seed), damaged(MESSAGES, seed)
    while tally.sent < count:
        version = aiomqtt.ProtocolVersion.V5
        async with aiomqtt.Client("127.0.0.1", port, protocol=version, timeout=60) as line:
            line.pending_calls_threshold = 2 * BATCH
            await line.subscribe("antiphon/v1/R1/event", 1)
            batch = [next(messages) for _ in range(min(BATCH, count - tally.sent))]
            await asyncio.gather(*(damage(line, message, chance) for message in batch))
            tally.sent += len(batch)
            if not await answered(line, chance.randrange(2**32)):
                tally.crashes.append("a robot that comes again is not answered")
        yield


async def answered(line: aiomqtt.Client, session: int) -> bool:
    """Whether the server answers a hello; of too many messages at once the broker drops some."""
    for _ in range(HELLOS):
        hello = json.dumps({**HELLO, "session": session})
        await line.publish("antiphon/v1/R1/hello", hello, 1)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(snapshot(line), HELLO_SECONDS)
            return True
    return False


async def snapshot(line: aiomqtt.Client) -> None:
    """Waits until the server has answered a hello."""
    async for message in line.messages:
        payload = message.payload
        if isinstance(payload, bytes) and json.loads(payload)["event"] == "Snapshot":
            return


async def damage(line: aiomqtt.Client, message: str | bytes, chance: random.Random) -> None:
    """Publish something that no robot should."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    try:
        told = json.loads(message)
        leaf, payload = told["leaf"], json.dumps(told["body"]).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        leaf, payload = "cmd", message if isinstance(message, bytes) else message.encode()
    if chance.random() < 0.3:
        leaf, payload = "audio/in", chance.randbytes(chance.choice((0, 1, 640, 641, 70_000)))
        properties.ContentType = chance.choice((UP.content_type, "audio/x", ""))
        numbers = ("session", "generation", "sent", "start")
        properties.UserProperty = [
            (n, chance.choice(("0", "1", "-1", "x", "9" * 30))) for n in numbers
        ]
    if not isinstance(leaf, str) or set(leaf) & set("+#\x00") or not leaf:
        leaf = "%"
    qos = chance.choice((0, 0, 0, 1))
    topic = f"antiphon/v1/R1/{leaf[:200]}"
    await line.publish(topic, payload, qos, chance.random() < 0.02, properties)


def variety(chance: random.Random) -> dict[str, Any]:
    """How one client differs from the others."""
    return {}
