"""The agent's turn: a reply is released, begins to sound, may pause, and leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime import events as happened
from antiphon.runtime.events import Event
from antiphon.runtime.frames import FRAME, FRAME_MS
from antiphon.runtime.session.heard_words import remembered
from antiphon.runtime.session.playback import Playback, Reply

Reason = Literal["speech", "stop word", "button", "command"]
"""What can stop a reply."""
MAX_REPORT_FRAMES = 1000 // FRAME_MS
"""Frames that are waited for a device to tell what was heard of a reply that has ended."""

JUST_SPOKEN_MS = 1500
"""Milliseconds for which a word has just sounded: until its echo has been heard and judged."""


@dataclass(frozen=True)
class FinishedReply:
    """A reply that is over, now that it is known what was heard of it."""

    text: str
    """What was heard, as it is to be remembered; empty if not a sample was played."""
    stopped: Reason | None
    """What stopped it; None: it was said to its end."""


class AgentTurn:
    """Plays one reply at a time and tells what is heard of it.

    Args:
        sample_rate: of what is played.
        tell: takes the events.
    """

    def __init__(self, sample_rate: int, tell: Callable[[Event], None]) -> None:
        self.playback = Playback(sample_rate)
        self.began = False
        """Whether a reply began to sound in the last frame."""
        self.left: FinishedReply | None = None
        """The reply that left in the last frame."""
        self._rate, self._tell = sample_rate, tell
        self._announced = False
        self._words = 0
        """Words that have begun to sound."""
        self._leaving: tuple[Reply, Reason | None, int] | None = None
        """A reply that is over, why, and since which frame the device is asked what was heard."""

    @property
    def waiting(self) -> bool:
        """Whether a reply is to be said and has not begun to sound."""
        return self.playback.reply is not None and not self._announced

    @property
    def sounding(self) -> bool:
        """Whether a reply sounds, or holds its breath."""
        return self.playback.reply is not None and self._announced

    @property
    def leaving(self) -> bool:
        """Whether a reply is over, but not everything that was handed out has been heard."""
        return self._leaving is not None

    def saying(self, word: str) -> bool:
        """Whether a word with these letters sounds or has just sounded."""
        reply, since = self.playback.reply, JUST_SPOKEN_MS * self._rate // 1000
        return reply is not None and any(
            word in said.text.lower()
            for said in reply.script.words
            if said.start <= reply.cursor <= said.end + since
        )

    def release(self, reply: Reply) -> None:
        """Say a reply from the next frame on, or as soon as there is a sample of it."""
        self._announced, self._words = False, 0
        self.playback.play(reply)

    def pause(self, at: int) -> None:
        """Hold the breath."""
        self.playback.pause()
        self._tell(happened.Paused(at))

    def resume(self, at: int) -> None:
        """Go on."""
        self.playback.resume()
        self._tell(happened.Resumed(at))

    def stop(self, at: int, reason: Reason) -> None:
        """Be silent; whoever holds a queue of samples is told to drop it by `Paused`."""
        reply = self.playback.reply
        if reply is not None and self._announced:
            if not self.playback.paused:
                self._tell(happened.Paused(at))
            self._leaving = reply, reason, at // FRAME
        self.playback.stop()

    def forget(self) -> None:
        """Tell nothing more of what was stopped."""
        self.playback.stop()
        self._leaving = None

    def next(self, at: int) -> NDArray[np.float32]:
        """The frame to be played now."""
        out = self.playback.next()
        self.began, self.left = False, None
        reply = self.playback.reply
        if reply is not None:
            self._follow(reply, at)
            if reply.over and not self.playback.paused:
                self.playback.stop()
                self._leaving = reply, None, at // FRAME
        if self._leaving:
            reply, reason, since = self._leaving
            if self.playback.settled(reply) or at // FRAME - since >= MAX_REPORT_FRAMES:
                self._leaving = None
                self._leave(reply, reason, at)
        return out

    def _follow(self, reply: Reply, at: int) -> None:
        if reply.cursor and not self._announced:
            self._announced = self.began = True
            self._tell(happened.ReplyStarted(at, reply.generation))
        new = reply.script.begun(reply.cursor, self._words)
        if new:
            self._words += len(new)
            self._tell(happened.ReplyText(at, " ".join(new)))

    def _leave(self, reply: Reply, reason: Reason | None, at: int) -> None:
        text = remembered(reply.script, reply.heard, reply.length, complete=reply.complete)
        self.left = FinishedReply(text if reply.cursor else "", reason)
        if reason is None:
            self._tell(happened.ReplyFinished(at, self.left.text))
        else:
            heard_ms = reply.heard * 1000 // self._rate
            heard_text = reply.script.heard(reply.heard)
            self._tell(happened.Interrupted(at, heard_ms, heard_text, reason))
