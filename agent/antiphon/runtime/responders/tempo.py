"""Speech faster or slower than a voice speaks, at the same pitch (FFmpeg's `atempo`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn, Word
from antiphon.runtime.responders.responder import Cancelled, Responder, WrittenTurn

Pcm = NDArray[np.float32]


class Tempo:
    """Changes the speed of a stream.

    Args:
        sample_rate: samples a second.
        speed: 2 is twice as fast; from 0.25 to 4.
    """

    def __init__(self, sample_rate: int, speed: float) -> None:
        import av
        from av.filter import Graph

        self._rate, self._end = sample_rate, av.error.EOFError
        self._blocked = av.error.BlockingIOError
        self._frame = av.AudioFrame.from_ndarray
        graph = Graph()
        source = graph.add_abuffer(sample_rate=sample_rate, format="flt", layout="mono")
        chain = [source]
        factor = speed  # the filter itself goes down to a half only
        while factor < 0.5:
            chain.append(graph.add("atempo", "0.5"))
            factor /= 0.5
        chain += [graph.add("atempo", f"{factor:.6f}"), graph.add("abuffersink")]
        for before, after in pairwise(chain):
            before.link_to(after)
        graph.configure()
        self._graph: Any = graph

    def __call__(self, pcm: Pcm) -> Pcm:
        """The next samples [M] of [N]; some are held back."""
        if not len(pcm):
            return pcm
        frame = self._frame(np.ascontiguousarray(pcm[None], np.float32), "flt", "mono")
        frame.sample_rate = self._rate
        self._graph.push(frame)
        return self._made()

    def flush(self) -> Pcm:
        """What was held back."""
        self._graph.push(None)
        return self._made()

    def _made(self) -> Pcm:
        made = [np.zeros(0, np.float32)]
        with suppress(self._blocked, self._end):  # nothing more now, or ever
            while True:
                made.append(self._graph.pull().to_ndarray()[0])
        return np.concatenate(made)


def at_speed(pieces: Iterator[Speech], speed: float) -> Iterator[Speech]:
    """Pieces of one reply at another speed; words sound where their sound is then."""
    if speed == 1.0:
        yield from pieces
        return
    tempo, sent, held = None, 0, None
    for piece in pieces:
        if held is not None:
            yield held
        tempo = tempo or Tempo(piece.sample_rate, speed)
        pcm = tempo(piece.pcm)
        words = tuple(
            Word(w.text, round(w.start / speed), round(w.end / speed)) for w in piece.words
        )
        held = replace(piece, pcm=pcm, start=sent, words=words)
        sent += len(pcm)
    if held is not None and tempo is not None:
        rest = tempo.flush()
        yield replace(held, pcm=np.concatenate([held.pcm, rest]))


class TempoResponder:
    """A responder that speaks at a speed.

    Args:
        responder: hears and answers.
        speed: tells how fast, when a reply is begun.
    """

    def __init__(self, responder: Responder[Any], speed: Callable[[], float]) -> None:
        self._responder, self._speed = responder, speed

    def listen(self, history: Sequence[Turn]) -> Any:
        """Begin to hear a turn that follows `history`."""
        return self._responder.listen(history)

    def respond(
        self,
        stream: Any | WrittenTurn,
        history: Sequence[Turn],
        *,
        cancelled: Cancelled,
        seed: int,
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written."""
        pieces = self._responder.respond(stream, history, cancelled=cancelled, seed=seed)
        return at_speed(pieces, self._speed())

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return at_speed(self._responder.say(text, cancelled=cancelled), self._speed())
