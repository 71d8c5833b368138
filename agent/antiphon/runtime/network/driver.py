"""Drives a conversation for a client at the other end of a network.

The client's microphone is the clock: sound that arrives makes the conversation take steps. While
none arrives, a tick takes them. A reply leaves at the speed of playing, a small lead ahead, so what
was sent is nearly what was heard, and an interruption leaves nothing to be played.

    microphone -> Incoming -> conversation.step -> SentReply -> client
                                    ^                              |
                                    +---- heard, dropped <---------+
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.frames import FRAME, Frame
from antiphon.runtime.network.client import Client
from antiphon.runtime.network.incoming import MAX_SECONDS, Action, Incoming
from antiphon.runtime.network.playout_clock import FRAME_SECONDS, PlayoutClock
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.runtime.session.conversation import Conversation

LEAD_SECONDS = 0.1
"""Seconds a reply is ahead of being played, by default."""
MAX_CHUNK_SECONDS = 0.1
"""By how much more it is ahead for a client that sends its sound in chunks that long."""
MAX_WAIT = 0.12
"""Seconds without sound after which silence takes its place."""
ARRIVED_SECONDS = 0.045
"""Seconds after sound in which no tick is needed, as long as none of it waits: a little more than
its chunks usually last."""
MAX_PENDING = 10
"""Jobs of the models up to which sound may be heard faster than it was spoken: a second of it."""
MAX_STEPS = 50
"""Steps at once: a client that sends a minute of sound takes no time from the others."""
BUDGET_SECONDS = 0.008
"""Seconds of steps at once."""
GRACE_SECONDS = 0.3
"""Seconds in which a client that was interrupted may say how far it played."""
MAX_DISBELIEF = 10.0
"""Seconds after which a client cannot say any more that it did not play what it was sent."""
LINGER_SECONDS = 1.0
"""Seconds after the last sound or command in which an idle conversation still takes steps."""


class Driver:
    """One client's conversation.

    Args:
        conversation: to be driven; nobody else calls `step`, `heard` or `dropped`.
        client: is told what happens.
        rate: samples a second of what the client plays.
        lead: seconds a reply may be ahead of being played.
        max_waiting: seconds of the client's sound that may wait.
        grace: seconds a client is given to say how far it played; 0 if it never does.
        clock: tells how much time has passed.
        activate: called when there is something to do in the next tick.
        stepped: called after steps were taken.
    """

    def __init__(
        self,
        conversation: Conversation,
        client: Client,
        *,
        rate: int,
        lead: float = LEAD_SECONDS,
        max_waiting: float = MAX_SECONDS,
        grace: float = GRACE_SECONDS,
        clock: Clock | None = None,
        activate: Callable[[], None] = lambda: None,
        stepped: Callable[[], None] = lambda: None,
    ) -> None:
        self.conversation, self.client = conversation, client
        self.rate, self.lead, self.grace = rate, lead, grace
        self.reply: SentReply | None = None
        """The reply that is being sent, or was sent last."""
        self._source_rate = conversation.options.sample_rate
        self._clock, self._activate, self._on_stepped = clock or WallClock(), activate, stepped
        self._incoming = Incoming(max_waiting)
        self._resample = Resampler(self._source_rate, rate)
        self._unsent: list[NDArray[np.float32]] = []
        self._last: Frame = np.zeros(FRAME, np.float32)
        self._chunk = 0.0
        """Seconds of the longest of the last pieces of sound."""
        now = self._clock.now()
        self._arrived = now - MAX_WAIT
        self._used = self._stepped = now
        self._playout = PlayoutClock(self._source_rate, now)
        self._cut: tuple[int, float] | None = None
        """Up to which position a reply that was stopped was played if the client says nothing
        until then."""
        self._interrupted = False
        """Whether the client was told that the reply was stopped."""
        self._closed = False
        conversation.heard(conversation.position)

    # What the client does

    def feed(self, pcm: NDArray[np.float32], rate: int) -> bool:
        """Take sound of the client's microphone.

        Args:
            pcm: [N] mono in [-1, 1], as many samples as there are.
            rate: samples a second of it.

        Returns:
            Whether there was room for it; if not, none of it is taken.
        """
        if self._closed or not self._incoming.feed(pcm, rate):
            return False
        seconds = min(len(pcm) / rate, MAX_CHUNK_SECONDS)
        self._chunk = max(seconds, 0.9 * self._chunk)
        self._arrived = self._clock.now()
        self.wake()
        self._advance()
        return True

    def then(self, action: Action) -> bool:
        """Do something once all sound before it was heard; False if too much waits already."""
        if self._closed or not self._incoming.then(action):
            return False
        self.wake()
        self._advance()
        return True

    def end_of_sound(self) -> None:
        """The client's sound ends here: what is left of a frame counts, too."""
        self._incoming.flush()

    def clear(self) -> None:
        """Forget the client's sound that was not heard yet."""
        self._incoming.clear()

    def wake(self) -> None:
        """Take steps from now on, so that what was asked of the conversation is begun."""
        self._used = self._clock.now()
        self._activate()

    def stop(self) -> None:
        """Be silent now."""
        self.conversation.stop()
        self._follow_interruption()
        self.wake()

    def truncate(self, reply: SentReply, samples: int) -> None:
        """The client says how much it played of a reply, which it stopped or was told to stop.

        Args:
            reply: that was sent.
            samples: of it that were played. If the conversation has settled what was heard
                already, `reply.remembered` tells what its memory should hold instead.
        """
        if reply is not self.reply:
            return
        talk = self.conversation
        if talk.sounding:
            self.stop()
        if talk.interrupting or talk.state == "speaking":
            self._settle_at(min(reply.position(samples), talk.position))
            self.wake()

    # Time passes

    @property
    def active(self) -> bool:
        """Whether there is anything to do."""
        recent = self._clock.now() - self._used < LINGER_SECONDS
        busy = self.conversation.state != "idle" or bool(self._playout) or bool(self._incoming)
        return not self._closed and (recent or busy)

    @property
    def waiting(self) -> float:
        """Seconds of the client's sound that wait."""
        return self._incoming.waiting * FRAME_SECONDS / FRAME

    def tick(self) -> None:
        """A frame's time has passed; to be called every 20 ms while active."""
        if self._closed:
            return
        if self._incoming:
            self._advance()
        now = self._clock.now()
        if not self._incoming and now - self._arrived < ARRIVED_SECONDS:
            return  # sound that arrives makes the conversation follow
        if self._incoming.waiting < FRAME and now - self._arrived > MAX_WAIT:
            if self._incoming.waiting:
                self._incoming.flush()
            silence = np.zeros(FRAME, np.float32)
            missed = min(int((now - self._stepped) / FRAME_SECONDS + 0.5), 5)
            for _ in range(missed):
                if self._may_step(now):
                    self._step(silence, now)
            self._send()
        self._settle(now)
        self._on_stepped()

    @property
    def passed(self) -> float:
        """Seconds of the client's sound that were heard, or dropped."""
        return self._incoming.passed * FRAME_SECONDS / FRAME

    def close(self) -> None:
        """The client is gone."""
        if not self._closed:
            self._closed = True
            self._incoming.clear()
            self.conversation.close()
            self._activate = lambda: None  # it knows the driver: memory is given back at once

    # Steps

    def _advance(self) -> None:
        """Take the steps that sound has arrived for."""
        now = self._clock.now()
        until = now + BUDGET_SECONDS
        for _ in range(MAX_STEPS):
            if not self._may_step(now):
                break
            taken = self._incoming.take()
            if taken is None:
                break
            if isinstance(taken, np.ndarray):
                self._last = taken
                self._step(taken, now)
            else:
                taken()
            if self._closed or self._clock.now() > until:
                break
        self._send()
        self._settle(now)
        self._on_stepped()

    def _may_step(self, now: float) -> bool:
        """Whether client and models can follow another step.

        Sound that arrives faster than it was spoken is heard faster, as long as the models keep
        up; what is played passes at its own speed.
        """
        talk = self.conversation
        if talk.sounding:
            return self._playout.until - now < self._ahead + FRAME_SECONDS / 2
        hurried = talk.state == "thinking" or talk.pending > MAX_PENDING
        return not hurried or now - self._stepped > FRAME_SECONDS * 0.9

    @property
    def _ahead(self) -> float:
        return self.lead + self._chunk

    def _step(self, frame: Frame, now: float) -> None:
        talk, sounded = self.conversation, self.conversation.sounding
        out = talk.step(frame)
        self._stepped = now
        span = talk.played
        begins = span is not None and not (self.reply and span.reply.script is self.reply.script)
        if begins and span is not None:
            self._finish_reply()
            rates = self._source_rate, self.rate
            self.reply = SentReply(span.reply, span.at, rates)
            self._resample = Resampler(*rates)
        if sounded or span is not None:
            self._playout.sent(talk.position, now)
            if self.reply is not None and not self.reply.finished:
                self.reply.add(span)
        else:
            self._playout.silent(talk.position)
        while talk.events:
            self._send()
            self.client.on_event(talk.events.popleft())
        if self.reply is not None and not self.reply.finished and (sounded or span is not None):
            self._unsent.append(out)
            if not talk.sounding:
                self._send(last=True)
                self._finish_reply()
        self._follow_interruption()
        if begins:
            for _ in range(math.ceil(self._ahead / FRAME_SECONDS)):
                if talk.sounding:
                    self._step(self._last, now)

    def _send(self, *, last: bool = False) -> None:
        """Give the client what the last steps made; `last`: the reply ends with it."""
        if self._unsent and self.reply is not None:
            pcm, self._unsent = self._resample(np.concatenate(self._unsent)), []
            if last:
                pcm = np.concatenate([pcm, self._resample.flush()])
            if len(pcm):
                self.reply.samples += len(pcm)
                self.client.on_sound(self.reply, pcm)

    def _finish_reply(self) -> None:
        self._send()
        if self.reply is not None:
            self.reply.finish()

    # What was heard

    def _follow_interruption(self) -> None:
        """Tell the client that a reply was stopped; from then on it plays nothing more of it."""
        reason = self.conversation.interrupting
        if reason is None:
            self._cut, self._interrupted = None, False
        elif not self._interrupted and self.reply is not None:
            now = self._clock.now()
            playing = self._playout.playing(now)
            played = self.conversation.position if playing is None else playing
            self._interrupted, self._cut = True, (played, now + self.grace)
            self._finish_reply()
            self.client.on_interrupted(self.reply, reason)

    def _settle(self, now: float) -> None:
        """Tell the conversation what was heard by now."""
        talk = self.conversation
        if self._cut is not None:
            if now >= self._cut[1]:
                self._settle_at(self._cut[0])
            return
        # A client that stops a reply says how far it came; until then nothing is taken for heard.
        until = now - MAX_DISBELIEF if talk.sounding else now
        position = self._playout.passed(until) if self._playout else talk.position
        if position is not None:
            talk.heard(position)

    def _settle_at(self, position: int) -> None:
        """Nothing behind a position was heard of what was sent, nor will it be."""
        self._cut = None
        self._playout.cut(self._clock.now())
        self.conversation.dropped(position)
