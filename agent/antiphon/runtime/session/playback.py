"""Playback: replies in frames with soft edges, and a record of what was really heard.

Positions count the samples handed out and never go back; a device or a robot says which of them it
has played.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech
from antiphon.runtime.frames import FRAME_MS, played
from antiphon.runtime.session.heard_words import SampleRanges, SpokenWords

Pcm = NDArray[np.float32]


PREBUFFER_STEP, MAX_PREBUFFER = 0.2, 0.6
"""Seconds by which the prebuffer grows after an underrun, and its maximum."""
MAX_HELD_BACK = 200 // FRAME_MS
"""Frames for which a reply that could begin is held back: a late answer is worse than a pause."""


class Reply:
    """A reply while it is made and played.

    Args:
        generation: its number.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.script = SpokenWords()
        self.length = 0
        """Samples made so far."""
        self.complete = False
        """Whether all samples were made."""
        self.cursor = 0
        """The next sample to be handed out."""
        self.heard = SampleRanges()
        """Samples that were really heard."""
        self._pieces: deque[tuple[int, Pcm]] = deque()

    def add(self, piece: Speech) -> None:
        """Append a piece of speech."""
        self.script.add(piece)
        if len(piece.pcm):
            self._pieces.append((self.length, np.asarray(piece.pcm, np.float32)))
            self.length += len(piece.pcm)

    def read(self, count: int) -> Pcm:
        """The next samples, at most `count`; pieces that were heard are dropped."""
        start, stop = self.cursor, min(self.length, self.cursor + count)
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= self.heard.end:
            self._pieces.popleft()
        found = [
            pcm[max(0, start - at) : stop - at]
            for at, pcm in self._pieces
            if at < stop and at + len(pcm) > start
        ]
        self.cursor = stop
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    @property
    def over(self) -> bool:
        """Everything has been handed out."""
        return self.complete and self.cursor >= self.length


@dataclass
class Span:
    """Samples of a reply at a position of the output."""

    at: int
    reply: Reply
    start: int
    count: int
    silent: bool
    """Whether it is a pause of the reply, which needs nobody to play it."""

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.at + self.count

    def hear(self, start: int, stop: int) -> bool:
        """Note what was heard between two positions; returns whether that is all of it."""
        first, last = max(self.at, start), min(self.end, stop)
        self.reply.heard.add(self.start + first - self.at, self.start + last - self.at)
        return last - first == self.count


class Playback:
    """Hands out one reply at a time, frame by frame, and never a sample of a stopped one.

    A reply fades in and out within a frame (20 ms) wherever it begins or ends in mid-sound. After
    an underrun, when the models cannot keep up, the next replies are prebuffered.

    Args:
        sample_rate: samples a second.
    """

    def __init__(self, sample_rate: int) -> None:
        self.frame = played(sample_rate)
        self.reply: Reply | None = None
        """What is being played or waits for its first sample."""
        self.paused = False
        self.held = False
        """Whether the device is gone, so that every reply waits."""
        self.underruns = 0
        """Underruns in mid-speech."""
        self.position = 0
        """Samples handed out."""
        self.prebuffer = 0
        """Samples that must be ready before a reply begins or goes on."""
        self.last: Span | None = None
        """What the last frame holds of a reply."""
        self._buffering = True
        self._held_back = 0
        """Frames for which the reply could have begun."""
        self._underran = False
        self._rate = sample_rate
        self._reported = False
        """Whether a device says what was heard; without one, all of it is."""
        self._spans: deque[Span] = deque()
        """What is on its way to the listener."""
        self._unheard: list[Span] = []
        """What got lost or was dropped, unless a report of it comes late."""
        self._fading_out: Reply | None = None
        self._pause_start: int | None = None
        """Where the frame that was faded out for a pause began."""
        self._continuous = True
        """Whether the last sample handed out joins the next one."""

    def play(self, reply: Reply) -> None:
        """Play a reply from the next frame on; the one before is faded out."""
        self.stop()
        self._unheard.clear()
        self.prebuffer = self.prebuffer if self._underran else self.prebuffer // 2
        self.reply, self._continuous, self._buffering, self._underran = reply, True, True, False
        self._held_back = 0

    def pause(self) -> None:
        """Fade out and hold the position."""
        if self.reply is not None and not self.paused:
            self.paused, self._pause_start = True, None
            self._fading_out = self.reply if self.reply.cursor else None

    def resume(self) -> None:
        """Continue with the frame that was faded out, or where a dropped queue was last heard."""
        if self.reply is not None and self.paused:
            self.paused, self._fading_out = False, None
            if self._pause_start is not None:
                self.reply.cursor, self._continuous = self._pause_start, False

    def stop(self) -> None:
        """Fade out and forget the reply."""
        reply = self.reply
        if reply is not None and not self.paused and 0 < reply.cursor < reply.length:
            self._fading_out = reply
        self.reply, self.paused, self._pause_start = None, False, None

    def next(self) -> Pcm:
        """The next frame."""
        out = np.zeros(self.frame, np.float32)
        self.last = None
        fading_out, self._fading_out = self._fading_out, None
        reply = fading_out or (None if self.paused or self.held else self.reply)
        if reply is not None and (fading_out or self._ready(reply)):
            start = reply.cursor
            sound = reply.read(self.frame)
            ends = fading_out is not None or (not reply.complete and reply.cursor >= reply.length)
            out[: len(sound)] = sound
            if not self._continuous:
                out[: len(sound)] *= fade(len(sound))[::-1]
            if ends:
                out[: len(sound)] *= fade(len(sound))
            if len(sound):
                silent = not sound.any()
                self.last = Span(self.position, reply, start, len(sound), silent)
                self._spans.append(self.last)
                self._continuous = not ends
                if ends and fading_out is None:
                    self._underrun()
            if self.paused:
                self._pause_start = start
        self.position += self.frame
        if not self._reported:
            self._hear(None, self.position)
        return out

    def heard(self, samples: int, start: int | None = None) -> None:
        """The device reports that it has come to position `samples`.

        Args:
            samples: handed out since the beginning.
            start: from where on it has played them all; what was lost before is not heard. None:
                it has played all that was on its way.
        """
        self._reported = True
        self._hear(start, min(samples, self.position))

    def dropped(self, samples: int | None = None) -> None:
        """The device dropped all samples after the first `samples` that were handed out.

        A paused reply will go on from there.

        Args:
            samples: of all; None: as many as were heard so far.
        """
        if samples is not None:
            self.heard(samples)
        self._unheard += self._spans
        self._spans.clear()
        self._fading_out = self._pause_start = None
        if self.reply is not None and self.reply.cursor > self.reply.heard.end:
            self.reply.cursor, self._continuous = self.reply.heard.end, False

    def hold(self, held: bool) -> None:
        """The device is gone, and with it what it had not played; or it is back."""
        self.held = held
        if held:
            self.dropped()

    def settled(self, reply: Reply) -> bool:
        """Whether all samples of `reply` that were handed out were heard, lost or dropped."""
        return all(span.reply is not reply for span in self._spans)

    def _ready(self, reply: Reply) -> bool:
        """Whether enough samples are ready."""
        there, enough = reply.length - reply.cursor, max(self.prebuffer, 1)
        self._held_back += there > 0 and not reply.cursor
        if self._held_back > MAX_HELD_BACK and not reply.cursor:
            enough = 1
        self._buffering = self._buffering and not reply.complete and there < enough
        return not self._buffering

    def _underrun(self) -> None:
        self.underruns += 1
        self._buffering = self._underran = True
        self.prebuffer = min(
            self.prebuffer + int(PREBUFFER_STEP * self._rate), int(MAX_PREBUFFER * self._rate)
        )

    def _hear(self, start: int | None, stop: int) -> None:
        """What lies between two positions was heard, and all before it has passed."""
        for span in self._unheard if start is not None else ():
            span.hear(start or 0, stop)
        while self._spans and self._spans[0].end <= stop:
            span = self._spans.popleft()
            if not span.hear(span.at if span.silent else start or 0, stop):
                self._unheard.append(span)
        if self._spans:
            self._spans[0].hear(start or 0, stop)


def fade(count: int) -> Pcm:
    """[count] gains from 1 to 0."""
    return np.cos(np.linspace(0, np.pi / 2, count, dtype=np.float32)) ** 2
