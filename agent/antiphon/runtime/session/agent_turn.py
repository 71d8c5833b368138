"""The agent's turn: a reply is released, starts, may pause, and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.frames import FRAME, FRAME_MS
from antiphon.runtime.session.heard_words import remembered
from antiphon.runtime.session.playback import Playback, Reply

Reason = Literal["speech", "stop word", "button", "command"]
"""What can stop a reply."""
MAX_REPORT_FRAMES = 5000 // FRAME_MS
"""Frames in which the device must report that more was heard of a reply that has ended."""
JUST_SPOKEN_MS = 1500
"""Milliseconds for which a word counts as just spoken: until its echo has been analysed."""


@dataclass(frozen=True)
class FinishedReply:
    """A reply that is over, and what was heard of it."""

    text: str
    """What was heard, as it is remembered; empty if no sample was played."""
    stopped: Reason | None
    """What stopped it; None: it was played to its end."""


class AgentTurn:
    """Plays one reply at a time and reports what is heard of it.

    Args:
        sample_rate: of what is played.
        emit: takes the events.
    """

    def __init__(self, sample_rate: int, emit: Callable[[Event], None]) -> None:
        self.playback = Playback(sample_rate)
        self.began = False
        """Whether a reply started in the last frame."""
        self.finished: FinishedReply | None = None
        """The reply that ended in the last frame."""
        self._rate, self._emit = sample_rate, emit
        self._announced = False
        self._words_begun = 0
        """Words whose first sample was played."""
        self._ending: tuple[Reply, Reason | None] | None = None
        """A reply that is over, and why; the device still plays samples of it."""
        self._reported = 0, 0
        """Samples that were heard of it, and the frame when that was known."""

    @property
    def waiting(self) -> bool:
        """Whether a reply was released and has not started."""
        return self.playback.reply is not None and not self._announced

    @property
    def sounding(self) -> bool:
        """Whether a reply has started and not ended; it may be paused."""
        return self.playback.reply is not None and self._announced

    @property
    def ending(self) -> bool:
        """Whether a reply is over, but the device still plays samples of it."""
        return self._ending is not None

    @property
    def busy(self) -> bool:
        """Whether there is a reply, or the device still plays one."""
        return self.playback.reply is not None or self._ending is not None

    @property
    def interrupting(self) -> Reason | None:
        """What stopped a reply of which it is not known yet how much was heard."""
        return self._ending[1] if self._ending else None

    def is_saying(self, word: str) -> bool:
        """Whether a word with these letters is being spoken or was just spoken."""
        reply, since = self.playback.reply, JUST_SPOKEN_MS * self._rate // 1000
        return reply is not None and any(
            word in said.text.lower()
            for said in reply.script.words
            if said.start <= reply.cursor <= said.end + since
        )

    def release(self, reply: Reply) -> None:
        """Play a reply from the next frame on, or as soon as it has a sample."""
        self._announced, self._words_begun = False, 0
        self.playback.play(reply)

    def pause(self, at: int) -> None:
        """Pause the reply."""
        self.playback.pause()
        self._emit(events.Paused(at))

    def resume(self, at: int) -> None:
        """Resume the reply."""
        self.playback.resume()
        self._emit(events.Resumed(at))

    def stop(self, at: int, reason: Reason) -> None:
        """Stop the reply. The event `Paused` tells a device to drop the samples it has queued."""
        reply = self.playback.reply
        if reply is not None and self._announced:
            if not self.playback.paused:
                self._emit(events.Paused(at))
            self._end(reply, reason, at)
        self.playback.stop()

    def forget(self) -> None:
        """Drop the reply and report nothing more of it."""
        self.playback.stop()
        self._ending = None

    def next(self, at: int) -> NDArray[np.float32]:
        """The frame to play now."""
        out = self.playback.next()
        self.began, self.finished = False, None
        reply = self.playback.reply
        if reply is not None:
            self._follow_reply(reply, at)
            if reply.over and not self.playback.paused:
                self.playback.stop()
                self._end(reply, None, at)
        if self._ending:
            reply, reason = self._ending
            if reply.heard.count > self._reported[0]:
                self._reported = reply.heard.count, at // FRAME
            waited = at // FRAME - self._reported[1]
            if self.playback.settled(reply) or waited >= MAX_REPORT_FRAMES:
                self._ending = None
                self._finish(reply, reason, at)
        return out

    def _end(self, reply: Reply, reason: Reason | None, at: int) -> None:
        """The reply is over, but for what the device still plays of it."""
        self._ending, self._reported = (reply, reason), (reply.heard.count, at // FRAME)

    def _follow_reply(self, reply: Reply, at: int) -> None:
        if reply.cursor and not self._announced:
            self._announced = self.began = True
            self._emit(events.ReplyStarted(at, reply.generation))
        new = reply.script.begun(reply.cursor, self._words_begun)
        if new:
            self._words_begun += len(new)
            self._emit(events.ReplyText(at, " ".join(new)))

    def _finish(self, reply: Reply, reason: Reason | None, at: int) -> None:
        text = remembered(reply.script, reply.heard, reply.length, complete=reply.complete)
        self.finished = FinishedReply(text if reply.cursor or reply.heard.count else "", reason)
        if reason is None:
            self._emit(events.ReplyFinished(at, self.finished.text))
        else:
            heard_ms = reply.heard.count * 1000 // self._rate
            heard_text = reply.script.heard(reply.heard)
            self._emit(events.Interrupted(at, heard_ms, heard_text, reason))
