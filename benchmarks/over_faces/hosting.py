"""A server of all faces without models: speech is loudness, replies are words of 0.2 s."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import multiprocessing.connection
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from antiphon.messages import Speech, Word
from antiphon.runtime.frames import FRAME
from antiphon.runtime.options import Options
from antiphon.runtime.responders.responder import WrittenTurn
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.turns.frame_analysis import FrameAnalysis

RATE, WORD = 22_050, 4_410
"""Of replies: samples a second, and of a word."""
SILENT, STOPS = 10, 8
"""Frames of silence that end a turn, and of speech that stop a reply."""


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
        loud = bool(np.abs(mic).mean() > 0.05) and not deaf
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
    """Answers everything with numbered words."""

    def __init__(self, words: int = 5) -> None:
        self.words = words

    def listen(self, history: Any) -> WrittenTurn:
        """Hear nothing in particular."""
        return WrittenTurn("something")

    def respond(self, stream: Any, history: Any, **rest: Any) -> Iterator[Speech]:
        """The words."""
        for i in range(self.words):
            pcm = np.full(WORD, 0.1, np.float32)
            word = Word(f"w{i}", i * WORD, (i + 1) * WORD)
            yield Speech(pcm, RATE, word.start, f" w{i}", (1,), (word,), i == self.words - 1)

    def say(self, text: str | Iterable[str], **rest: Any) -> Iterator[Speech]:
        """The same."""
        return self.respond(None, ())

    def write(self, text: str, history: Any, **rest: Any) -> Iterator[str]:
        """One word."""
        yield "w0"


responder_of: Callable[[Any], Words] | None = None
"""Makes what answers a client, if not its words alone do."""


def conversation(words: Words | None = None) -> Conversation:
    """A conversation without models."""
    analyzer: Any = Loudness()
    return Conversation(words or Words(), Options(), work=InlineWorker(), analyzer=analyzer)


def serve(face: str, words: int, pipe: multiprocessing.connection.Connection) -> None:
    """Serve a face in this process; tells its port, and on request what was remembered last."""
    from antiphon.transports.http.face import FACES
    from antiphon.transports.http.server import Server
    from antiphon.transports.http.settings import HttpSettings
    from antiphon.transports.transport import Host

    made: list[Conversation] = []

    def converse(peer: Any) -> Conversation:
        made.append(conversation(responder_of(peer) if responder_of else Words(words)))
        del made[:-10]
        return made[-1]

    async def main() -> None:
        entry: Any = FACES.get(face)
        build = entry.prepare(entry.settings(**{face: True}), Options())
        chosen = HttpSettings(port=0, max_sessions=2000)
        server = Server([build], chosen, Options(), chosen.bind())
        host = Host(converse, lambda _: None, Words(words))
        serving = asyncio.create_task(server.run(host))
        await listening(server.port)
        pipe.send(server.port)
        while (asked := await asyncio.to_thread(pipe.recv)) != "end":
            turns = [] if not made else [turn.text for turn in made[-1].history]
            pipe.send(turns if asked == "history" else None)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(main())


async def listening(port: int) -> None:
    """Waits until somebody listens at a port."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.02)


@contextmanager
def serving(
    face: str, words: int = 5, target: Callable[..., None] = serve
) -> Iterator[tuple[int, Any, int]]:
    """A face in a process of its own: its port, the pipe to it, and the process's id."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(face, words, there), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv(), here, process.pid or 0
    finally:
        here.send("end")
        process.join(5)
        process.kill()
