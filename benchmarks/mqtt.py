"""Robots over MQTT: what the way costs, how fast it comes back, and what it survives.

A private mosquitto, the server in one process, robots in another. No model works here: a parrot
takes the conversation's place, which answers a moment after the user has spoken, so that only the
way is measured. Needs mosquitto and the extra `eval`.

    python benchmarks/mqtt.py [--limit N] [--json]
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import itertools
import json as jsons
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from antiphon.cli.output import Json, print_json
from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME, FRAME_MS, Frame
from antiphon.runtime.options import Options
from antiphon.runtime.simulated import Simulated
from antiphon.transports.mqtt.broker import Broker
from antiphon.transports.mqtt.functions import Function
from antiphon.transports.mqtt.packets import Packet
from antiphon.transports.mqtt.robot import Robot
from antiphon.transports.mqtt.server import Server
from antiphon.transports.mqtt.toolbox import Toolbox
from antiphon.transports.mqtt.wire import Incoming

RATE, OUT = 22_050, 441
SILENT = 10
"""Frames of silence after which the parrot answers."""
SPOKEN, ANSWER = 25, 15
"""Frames of a question and of an answer."""


class Parrot:
    """Stands for a conversation: answers ten frames after the user has spoken, or talks on."""

    def __init__(self, *, endless: bool = False) -> None:
        self.options = Options()
        self.events: deque[Any] = deque()
        self.history: tuple[Any, ...] = ()
        self.muted, self.endless = False, endless
        self._left, self._quiet, self._asked = 0, 0, False
        self._unheard = self._position = 0

    @property
    def state(self) -> str:
        """What it does just now."""
        if self._left or self._unheard > 0:
            return "speaking"
        return "listening" if self._asked else "idle"

    def step(self, mic: Frame) -> NDArray[np.float32]:
        """A frame of its answer, or silence."""
        speech = float(np.abs(mic).max()) > 0.05
        self._quiet = 0 if speech else self._quiet + 1
        self._asked = self._asked or speech
        if self._asked and (self._quiet == SILENT or self.endless):
            self._asked = False
            self._left = 10**9 if self.endless else ANSWER
        self._position += OUT
        if not self._left:
            return np.zeros(OUT, np.float32)
        self._left -= 1
        self._unheard = self._position
        return np.full(OUT, 0.1, np.float32)

    def heard(self, samples: int) -> None:
        """So much was heard."""
        if samples >= self._unheard:
            self._unheard = 0

    def dropped(self, samples: int) -> None:
        """The rest will not be heard."""
        self._position, self._unheard = samples, 0

    def stop(self) -> None:
        """Be silent; who talks on without end takes a breath only."""
        self._left, self._unheard = 10**9 if self.endless else 0, 0

    def other(self, *_: object) -> None:
        """Whatever else is asked of a conversation."""

    say = mute = push_to_talk = reset = close = other


def buzz() -> Frame:
    """[320] of something every voice activity detector takes for speech."""
    t = np.arange(FRAME) / 16_000
    wave = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20))
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


class Mouth(Simulated):
    """A device in real time that notes when the first sound of every answer is played."""

    def __init__(self, questions: bool) -> None:
        self.voice, self.silence = buzz(), np.zeros(FRAME, np.float32)
        self.questions = questions
        self.due: float | None = None
        self.waits: list[float] = []
        self.sounds = 0
        super().__init__(self._frames(), RATE, speed=1.0)

    def _frames(self) -> Iterator[Frame]:
        for index in itertools.count():
            pause = SILENT + 2 * ANSWER if self.questions else 5
            yield self.voice if index % (SPOKEN + pause) < SPOKEN else self.silence

    def __iter__(self) -> Iterator[Frame]:
        """Frames; when the one comes that is answered, the watch is started."""
        quiet = 0
        for frame in super().__iter__():
            quiet = 0 if frame.any() else quiet + 1
            if quiet == SILENT:
                self.due = time.perf_counter()
            yield frame

    def play(self, frame: Frame) -> None:
        """Plays."""
        super().play(frame)
        if frame.any():
            self.sounds += 1
            if self.due is not None:
                self.waits.append(time.perf_counter() - self.due)
                self.due = None


class Mosquitto:
    """A private broker."""

    def __init__(self, nodelay: bool = True) -> None:
        self.binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if self.binary is None:
            raise UserError("The broker mosquitto is not installed: sudo apt install mosquitto")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.config = Path(self.folder.name) / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
            f"set_tcp_nodelay {str(nodelay).lower()}\nmax_queued_messages 200\n"
        )

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.folder.cleanup()

    def start(self) -> None:
        """Starts and waits until somebody may connect."""
        quiet = subprocess.DEVNULL
        command = [str(self.binary), "-c", str(self.config)]
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise UserError("mosquitto does not start: try `mosquitto -v` to see why.")

    def kill(self) -> None:
        """Kills."""
        self.process.kill()
        self.process.wait()


def server_process(port: int, endless: bool, pipe: Connection) -> None:
    """The server; tells its processor time whenever it is asked, and ends on an empty message."""

    async def work() -> None:
        server = Server(Broker("127.0.0.1", port), lambda session: Parrot(endless=endless))  # type: ignore[arg-type, return-value]
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        def answer() -> None:
            if pipe.recv():
                received = sum(s._in.received for s in server.sessions.values())
                pipe.send((time.process_time(), received))
            else:
                over.set()

        loop.add_reader(pipe.fileno(), answer)
        serving = asyncio.create_task(server.run())
        await over.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(work())


@contextlib.contextmanager
def serving(port: int, *, endless: bool = False) -> Iterator[Connection]:
    """The server in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=server_process, args=(port, endless, theirs))
    process.start()
    try:
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send(False)
        process.join(5)
        process.kill()


@contextlib.asynccontextmanager
async def robots(port: int, mouths: list[Mouth], prefix: str = "R") -> Any:
    """Robots with these mouths, all of them met by the server."""
    made = [
        Robot(Broker("127.0.0.1", port), f"{prefix}{i}", mouth, patient=True)
        for i, mouth in enumerate(mouths)
    ]
    tasks = [asyncio.create_task(robot.run()) for robot in made]
    try:
        while any(robot.state is None for robot in made):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def local_waits(questions: int) -> list[float]:
    """The same without a network: the parrot at the device itself."""
    mouth, parrot = Mouth(True), Parrot()
    for frame in mouth:
        mouth.play(parrot.step(frame))
        if len(mouth.waits) >= questions:
            return mouth.waits
    return []


async def remote_waits(port: int, questions: int, others: int = 0) -> list[float]:
    """Seconds from the frame that is answered to the first sound, over the broker."""
    crowd = [Mouth(True) for _ in range(others)]
    mouth = Mouth(True)
    async with robots(port, crowd, "crowd"), robots(port, [mouth]):
        while len(mouth.waits) < questions:
            await asyncio.sleep(0.1)
    return mouth.waits


def quantile(values: list[float], share: float) -> float:
    """In milliseconds."""
    return round(1000 * float(np.quantile(values, share)), 2)


def latency(questions: int) -> dict[str, Any]:
    """What the way adds to the first audio; and with ten busy robots, with and without nodelay."""
    found: dict[str, Any] = {}
    local = statistics.median(local_waits(max(3, questions // 5)))
    with Mosquitto() as broker, serving(broker.port):
        waits = asyncio.run(remote_waits(broker.port, questions))
    added = [wait - local for wait in waits]
    found["added_ms_p50"], found["added_ms_p95"] = quantile(added, 0.5), quantile(added, 0.95)
    found["questions"] = len(added)
    for nodelay in (True, False):
        with Mosquitto(nodelay) as broker, serving(broker.port):
            busy = asyncio.run(remote_waits(broker.port, max(3, questions // 2), others=9))
        added = [wait - local for wait in busy]
        key = "nodelay_on" if nodelay else "nodelay_off"
        found[f"{key}_ms_p50"] = quantile(added, 0.5)
        found[f"{key}_ms_p95"] = quantile(added, 0.95)
    return found


async def busy(port: int, pipe: Connection, seconds: float) -> dict[str, Any]:
    """Ten robots that are spoken to and speak at the same time."""
    mouths = [Mouth(False) for _ in range(10)]
    async with robots(port, mouths):
        await asyncio.sleep(2.0)
        begin, work = time.perf_counter(), ask(pipe)
        sounds = sum(mouth.sounds for mouth in mouths)
        await asyncio.sleep(seconds)
        spent = [b - a for a, b in zip(work, ask(pipe), strict=True)]
        lasted = time.perf_counter() - begin
        heard = sum(mouth.sounds for mouth in mouths) - sounds
    return {
        "server_core_percent_10": round(100 * spent[0] / lasted, 2),
        "frames_played_share": round(heard / (10 * lasted * 1000 / FRAME_MS), 3),
        "packets_in_per_s": round(spent[1] / lasted, 1),
    }


def ask(pipe: Connection) -> tuple[float, int]:
    """Processor seconds of the server so far, and packets."""
    pipe.send(True)
    answer: tuple[float, int] = pipe.recv()
    return answer


async def recovery(broker: Mosquitto, rounds: int) -> dict[str, Any]:
    """Seconds from the restart of a killed broker to the next sound of a reply."""
    mouth = Mouth(False)
    found = []
    async with robots(broker.port, [mouth]):
        for number in range(rounds):
            seen = mouth.sounds
            await until(lambda: mouth.sounds > seen + 20)  # noqa: B023
            broker.kill()
            await asyncio.sleep(1.0 + 0.13 * number)
            before = mouth.sounds
            await asyncio.to_thread(broker.start)
            begin = time.perf_counter()
            await until(lambda: mouth.sounds > before)  # noqa: B023
            found.append(time.perf_counter() - begin)
            await asyncio.sleep(0.5)
    return {
        "recover_s": round(max(found), 3),
        "recover_s_median": round(statistics.median(found), 3),
    }


async def until(true: Callable[[], bool]) -> None:
    """Waits until something is true."""
    while not true():
        await asyncio.sleep(0.005)


async def idle(port: int, seconds: float) -> dict[str, Any]:
    """Bytes a second between an idle robot and the broker, both ways, without TCP's headers."""
    count = 0

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while data := await reader.read(1 << 16):
            count += len(data)
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, back), forward(there, writer))

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    mouth = Mouth(True)
    mouth.voice = mouth.silence
    async with robots(proxy.sockets[0].getsockname()[1], [mouth]):
        await asyncio.sleep(2.0)
        begin, before = time.perf_counter(), count
        await asyncio.sleep(seconds)
        used = (count - before) / (time.perf_counter() - begin)
    proxy.close()
    return {"idle_bytes_per_s": round(used, 2), "idle_seconds": seconds}


class Fuzz:
    """A server and a robot without a network, and what they are made to swallow."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.crashes: list[str] = []
        sent: list[Any] = []
        port = SimpleNamespace(connected=True, send=sent.append, broker=Broker("localhost", 1))
        self.server = Server(Broker("localhost", 1), lambda session: Parrot(), say=self.note)  # type: ignore[arg-type, return-value]
        self.server._loop = SimpleNamespace(call_soon_threadsafe=lambda f, *a: f(*a))  # type: ignore[assignment]
        self.robot = Robot(
            Broker("localhost", 1), "R1", Mouth(True), toolbox=Toolbox({"f": tool()})
        )
        self.server.link = self.robot.link = port  # type: ignore[assignment]
        self.topics = self.robot.topics
        hello, status = self.robot._opened()[1], self.server._opened()[0]
        self.pass_on(Incoming(hello.topic, hello.payload))
        self.pass_on(Incoming(status.topic, status.payload))
        for message in sent:
            self.pass_on(Incoming(message.topic, message.payload))
        session = self.robot._session
        packet = Packet(session, 0, 1, 0, 16_000, np.zeros(320, np.int16))
        answer = Packet(self.robot.player.stream or 0, 1, 1, 0, RATE, np.zeros(OUT, np.int16))
        told = [
            Incoming(
                self.topics(f"audio/{side}"), each.body(), False, each.content_type, each.properties
            )
            for side, each in (("in", packet), ("out", answer))
        ]
        framed = [Incoming(self.topics("audio/in"), packet.framed())]
        self.good = [Incoming(m.topic, m.payload) for m in (*sent, hello, status)] + told + framed
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
        self.good += [
            Incoming(self.topics(leaf), jsons.dumps(fields).encode())
            for leaf, fields in samples.items()
        ]

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
        good = chance.choice(self.good)
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
            payload = bytearray(jsons.dumps(wrong).encode())
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
    """Malformed messages; then a question, which is answered as if nothing had happened."""
    from tqdm import tqdm

    async def work() -> Fuzz:
        fuzzing = Fuzz()
        for _ in tqdm(range(messages), desc="malformed", unit="message", mininterval=1):
            fuzzing.pass_on(fuzzing.malformed())
        return fuzzing

    done = asyncio.run(work())
    refused = sum(done.server.malformed.values()) + done.robot.malformed
    return {
        "fuzz_crashes": len(done.crashes),
        "fuzz_messages": messages,
        "fuzz_refused": refused,
        **({"fuzz_first_crash": done.crashes[0]} if done.crashes else {}),
    }


def main(
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many questions, seconds and restarts.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure what MQTT adds, costs and survives."""
    few = limit or 10**9
    result: dict[str, Any] = latency(min(60, few))
    with Mosquitto() as broker, serving(broker.port, endless=True) as pipe:
        result |= asyncio.run(busy(broker.port, pipe, min(15, few)))
    with Mosquitto() as broker, serving(broker.port, endless=True):
        result |= asyncio.run(recovery(broker, min(8, few)))
    with Mosquitto() as broker, serving(broker.port):
        result |= asyncio.run(idle(broker.port, min(40, few)))
    result |= fuzz(min(100_000, 1000 * few))
    if json:
        print_json(result)
    else:
        print(jsons.dumps(result, indent=2))


if __name__ == "__main__":
    try:
        typer.run(main)
    except UserError as error:
        print(f"mqtt: {error}", file=sys.stderr)
        sys.exit(2)
