"""Speech faster, slower, higher or lower than a voice speaks (FFmpeg's `atempo`, `asetrate`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Word

Pcm = NDArray[np.float32]


class Tempo:
    """Changes speed and pitch of a stream, each without the other.

    Args:
        sample_rate: samples a second.
        speed: 2 is twice as fast; from 0.25 to 4.
        pitch: semitones higher; timbre is moved with it.
    """

    def __init__(self, sample_rate: int, speed: float, pitch: float = 0.0) -> None:
        import av
        from av.filter import Graph

        self._rate, self._end = sample_rate, av.error.EOFError
        self._blocked = av.error.BlockingIOError
        self._frame = av.AudioFrame.from_ndarray
        graph = Graph()
        source = graph.add_abuffer(sample_rate=sample_rate, format="flt", layout="mono")
        chain = [source]
        higher = 2 ** (pitch / 12)
        if pitch:  # played faster, it is higher; then as much slower again
            chain.append(graph.add("asetrate", str(round(sample_rate * higher))))
            chain.append(graph.add("aresample", str(sample_rate)))
        factor = speed / higher  # the filter itself goes down to a half only
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


def at_speed(pieces: Iterator[Speech], speed: float, pitch: float = 0.0) -> Iterator[Speech]:
    """Pieces of one reply at another speed and pitch; words sound where their sound is then."""
    if speed == 1.0 and not pitch:
        yield from pieces
        return
    tempo, sent, held = None, 0, None
    for piece in pieces:
        if held is not None:
            yield held
        tempo = tempo or Tempo(piece.sample_rate, speed, pitch)
        pcm = tempo(piece.pcm)
        words = tuple(
            Word(w.text, round(w.start / speed), round(w.end / speed)) for w in piece.words
        )
        held = replace(piece, pcm=pcm, start=sent, words=words)
        sent += len(pcm)
    if held is not None and tempo is not None:
        rest = tempo.flush()
        yield replace(held, pcm=np.concatenate([held.pcm, rest]))
