"""A server of any faces in a process of its own, without models.

What is loud is speech, a turn ends after 0.2 s of silence, and replies are words of 0.2 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil

from antiphon.messages import Speech, Word
from antiphon.runtime.frames import FRAME
from antiphon.runtime.frames import RATE as HEARD_RATE
from antiphon.runtime.options import Options
from antiphon.runtime.responders.responder import WrittenTurn
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.turns.frame_analysis import FrameAnalysis
from antiphon.tools import Call
from antiphon.transports.lifecycle import run_loop

RATE, WORD = 22_050, 4_410
"""Of replies: samples a second, and of a word."""
SILENT, STOPS = 10, 8
"""Frames of silence that end a turn, and of speech that stop a reply."""
LOUD = 0.025
"""Mean square of speech."""
MAX_SESSIONS = 2000


class Loudness:
    """Analyzes the microphone: what is loud is speech."""

    in_turn = False

    def __init__(self) -> None:
        self.turn_frames = self.silence = self._burst = 0

    def forget_turn(self) -> None:
        """Drop the turn."""
        self.in_turn, self.turn_frames, self.silence = False, 0, 0

    def adapt(self, options: Options) -> None:
        """Nothing changes."""

    def judge(self) -> Any:
        """No opinion."""
        return lambda: 0.0

    def judged(self, judge: str, log_odds: float) -> None:
        """Nobody is asked."""

    def step(self, mic: Any, reference: Any, *, speaking: bool, deaf: bool) -> FrameAnalysis:
        """Look at a frame."""
        loud = not deaf and float(mic @ mic) > LOUD * FRAME
        self._burst = self._burst + 1 if loud and speaking else 0
        barge: Any = "stop" if self._burst == STOPS else None
        change: Any = None
        if not self.in_turn and loud:
            self.in_turn, self.turn_frames, self.silence = True, 1, 0
            change = "start"
        elif self.in_turn:
            self.turn_frames += 1
            self.silence = 0 if loud else self.silence + FRAME
            if self.silence == SILENT * FRAME:
                self.forget_turn()
                self.silence, change = SILENT * FRAME, "end"
        return FrameAnalysis(mic, -20.0, change, barge)


class Words:
    """Answers everything with numbered words.

    Args:
        words: of an answer.
        peer: whose tools are used in every answer, without waiting for what comes of it.
    """

    def __init__(self, words: int = 5, peer: Any = None) -> None:
        self.words, self._peer = words, peer

    def listen(self, history: Any) -> WrittenTurn:
        """Hear nothing in particular."""
        return WrittenTurn("something")

    def respond(self, stream: Any, history: Any, **rest: Any) -> Iterator[Speech]:
        """The words."""
        for name in self._peer.tools if self._peer is not None else ():
            self._peer.execute(Call(name))
        return spoken(self.words)

    def say(self, text: str | Iterable[str], **rest: Any) -> Iterator[Speech]:
        """As many words as there are in a text, once all of it has come."""
        written = text if isinstance(text, str) else "".join(text)
        return spoken(len(written.split()))

    def write(self, text: str, history: Any, **rest: Any) -> Iterator[str]:
        """The words."""
        return (f"w{i} " for i in range(self.words))


def spoken(words: int) -> Iterator[Speech]:
    """Numbered words."""
    for i in range(words):
        word = Word(f"w{i}", i * WORD, (i + 1) * WORD)
        pcm = np.full(WORD, 0.1, np.float32)
        yield Speech(pcm, RATE, word.start, f" w{i}", (1,), (word,), i == words - 1)


def conversation(words: Words | None = None) -> Conversation:
    """A conversation without models."""
    analyzer: Any = Loudness()
    return Conversation(words or Words(), Options(), work=InlineWorker(), analyzer=analyzer)


class LoudFrame:
    """Whether there is speech in a frame, for dictations."""

    def __init__(self, pcm: Any) -> None:
        self.speech = float(pcm @ pcm) > LOUD * len(pcm)


# The server's process


class Faults(logging.Handler):
    """Collects what a server logs as a mistake of its own, or tells the person at the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        cause = record.exc_info[1] if record.exc_info else ""
        self.found.append(f"{record.getMessage()} {cause!r}"[:300])

    def told(self, sentence: str) -> None:
        """A sentence for the terminal."""
        if "broke and begins anew" in sentence:
            self.found.append(sentence)


async def host(
    faces: Iterable[str], words: int, tools: bool, broker: int, pipe: Connection
) -> None:
    """Serve; tells the ports, and on request what the newest conversation remembers."""
    from antiphon.transports.http.face import FACES
    from antiphon.transports.transport import Host

    newest: list[Conversation] = []
    faults = Faults()
    logging.getLogger("antiphon").addHandler(faults)
    logging.getLogger("asyncio").addHandler(faults)

    def converse(peer: Any) -> Conversation:
        newest[:] = [conversation(Words(words, peer if tools else None))]
        return newest[0]

    to = Host(converse, faults.told, Words(words))
    over_http = [face for face in faces if face in FACES.names()]
    work, ports = [], dict[str, int]()
    if over_http:
        server, port = http(over_http)
        work.append(asyncio.create_task(server.run(to)))
        ports |= dict.fromkeys(over_http, port)
    if "wyoming" in faces:
        server, ports["wyoming"] = wyoming(to)
        work.append(asyncio.create_task(server.run()))
    if "mqtt" in faces:
        work.append(asyncio.create_task(mqtt(broker, converse, faults.told).run()))
        ports["mqtt"] = broker
    for port in ports.values():
        await listening(port)
    pipe.send(ports)
    while (asked := await asyncio.to_thread(pipe.recv)) != "end":
        turns = [turn.text for turn in newest[0].history] if newest else []
        pipe.send(turns if asked == "history" else faults.found)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def http(faces: Iterable[str]) -> tuple[Any, int]:
    """A server of faces over HTTP, and its port."""
    from antiphon.transports.http.face import FACES
    from antiphon.transports.http.server import Server
    from antiphon.transports.http.settings import HttpSettings

    builds = []
    for face in faces:
        entry: Any = FACES.get(face)
        builds.append(entry.prepare(entry.settings(**{face: True}), Options()))
    chosen = HttpSettings(port=0, max_sessions=MAX_SESSIONS)
    server = Server(builds, chosen, Options(), chosen.bind())
    return server, server.port


def wyoming(to: Any) -> tuple[Any, int]:
    """A server of Wyoming, and its port."""
    from antiphon.transports.wyoming.server import Server
    from antiphon.transports.wyoming.service import Service
    from antiphon.transports.wyoming.transport import WyomingSettings

    bound = WyomingSettings(wyoming_uri="tcp://127.0.0.1:0").bind()
    return Server(Service(to, Options(), lambda: LoudFrame), bound), bound.getsockname()[1]


def mqtt(broker: int, converse: Any, say: Any) -> Any:
    """A server of robots at a broker."""
    from antiphon.transports.mqtt.server.server import Server
    from antiphon.transports.mqtt.wire.broker import Broker
    from antiphon.transports.mqtt.wire.formats.negotiation import have

    formats = have(HEARD_RATE, RATE, opus="no")
    at = Broker("127.0.0.1", broker)
    return Server(at, converse, formats=formats, max_robots=MAX_SESSIONS, say=say)


def process(faces: tuple[str, ...], words: int, tools: bool, broker: int, pipe: Connection) -> None:
    """What runs in the server's process."""
    run_loop(host(faces, words, tools, broker, pipe))


async def listening(port: int) -> None:
    """Waits until somebody listens at a port."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.02)


# Ours


@dataclass(frozen=True)
class Hosted:
    """A server in a process of its own."""

    ports: Mapping[str, int]
    """Of every face; of MQTT, the broker's."""
    process: psutil.Process
    _pipe: Connection

    def history(self) -> list[str]:
        """The turns that the newest conversation remembers."""
        self._pipe.send("history")
        turns: list[str] = self._pipe.recv()
        return turns

    def faults(self) -> list[str]:
        """What it logged as its own mistakes."""
        self._pipe.send("faults")
        found: list[str] = self._pipe.recv()
        return found

    def cpu(self) -> float:
        """Seconds of a core that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Bytes that it holds."""
        return int(self.process.memory_info().rss)


@contextmanager
def serving(*faces: str, words: int = 5, tools: bool = False) -> Iterator[Hosted]:
    """Faces in one process, with a private broker if one of them needs it.

    Args:
        faces: by their names.
        words: of every reply.
        tools: whether every reply uses all tools that its client has.
    """
    from over_mqtt.processes import Mosquitto

    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Mosquitto()).port if "mqtt" in faces else 0
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        given = faces, words, tools, broker, there
        child = context.Process(target=process, args=given, daemon=True)
        child.start()
        there.close()
        try:
            yield Hosted(here.recv(), psutil.Process(child.pid), here)
        finally:
            with contextlib.suppress(OSError):
                here.send("end")
            child.join(5)
            child.kill()
