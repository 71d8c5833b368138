"""The user's side: sound that comes in, and the turns that are made of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.frames import RATE
from antiphon.runtime.network.driver import Driver
from antiphon.transports.realtime.insights import milliseconds
from antiphon.transports.realtime.protocol.config import ServerVad, SessionConfig
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import PCM_RATE
from antiphon.transports.realtime.protocol.items import Item, Items

MIN_COMMIT_MS = 100
"""Milliseconds of sound that can be a turn."""
MAX_BUFFER_SECONDS = 300
"""Seconds of sound that wait to be committed; of more, the oldest is dropped."""
QUIET = np.zeros(8_000, np.float32)
"""Half a second in front of a turn that is committed: what was before it is no part of it."""
MAX_DEFERRED = 20
"""Turns that may be committed while a reply is being said."""


class UserTurns:
    """The input buffer, and the items of what was said.

    Args:
        driver: of the conversation.
        items: of the conversation.
        send: takes the events.
        quiet: tells whether a turn can be heard without stopping a reply.
    """

    def __init__(
        self,
        driver: Driver,
        items: Items,
        send: Callable[[dict[str, Any]], None],
        quiet: Callable[[], bool],
    ) -> None:
        self.config = SessionConfig()
        self.item: Item | None = None
        """The turn that is being spoken or answered."""
        self._driver, self._talk, self._items = driver, driver.conversation, items
        self._send, self._quiet = send, quiet
        self._alone_since: int | None = None
        """Sample of the microphone since which the user has said nothing to the last reply."""
        self._open = False
        """Whether the client was told that somebody speaks, and not that they stopped."""
        self._committed: deque[Item] = deque()
        """Turns that were committed by hand and are not understood yet."""
        self._deferred: deque[Callable[[], None]] = deque()
        self._buffer: deque[NDArray[np.float32]] = deque()
        self._buffered, self._rate = 0, PCM_RATE

    @property
    def manual(self) -> bool:
        """Whether the client says where turns end."""
        return self.config.audio.input.turn_detection is None

    @property
    def pending(self) -> bool:
        """Whether a turn was committed that is not understood yet."""
        return bool(self._committed)

    @property
    def timed_out(self) -> bool:
        """Whether the user has said nothing for longer than the client wants to wait."""
        vad, since = self.config.audio.input.turn_detection, self._alone_since
        if not isinstance(vad, ServerVad) or vad.idle_timeout_ms is None or since is None:
            return False
        return self._talk.at - since >= vad.idle_timeout_ms * RATE // 1000

    def commit_silence(self) -> None:
        """The user's turn is over, who said nothing."""
        since, self._alone_since = self._alone_since, None
        self.item = Item("message", role="user", spoken=True, text="")
        span = {"audio_start_ms": milliseconds(since), "audio_end_ms": milliseconds(self._talk.at)}
        self._tell("timeout_triggered", **span, item_id=self.item.id)
        self._add(self.item)

    # The input buffer

    def hear(self, pcm: NDArray[np.float32], rate: int) -> None:
        """Sound of the microphone.

        Args:
            pcm: [N].
            rate: samples a second of it.

        Raises:
            ApiError: Too much of it waits.
        """
        if not self.manual:
            if not self._driver.feed(pcm, rate):
                raise ApiError("Too much sound waits: send it as it is spoken.", "buffer_full")
            return
        if rate != self._rate:
            self._clear_buffer()
            self._rate = rate
        self._buffer.append(pcm)
        self._buffered += len(pcm)
        while self._buffered > MAX_BUFFER_SECONDS * rate and len(self._buffer) > 1:
            self._buffered -= len(self._buffer.popleft())

    def commit(self) -> None:
        """What was appended is a turn.

        Raises:
            ApiError: Nothing was.
        """
        if not self.manual:
            if not self._open:
                raise ApiError("Nobody speaks.", "input_audio_buffer_commit_empty")
            self._driver.then(lambda: self._talk.push_to_talk(True))
            self._driver.then(lambda: self._talk.push_to_talk(False))
            return
        rate = self._rate
        if self._buffered * 1000 < MIN_COMMIT_MS * rate:
            raise ApiError(
                f"The buffer holds {self._buffered * 1000 // rate} ms of sound: append "
                f"{MIN_COMMIT_MS} ms or more.",
                "input_audio_buffer_commit_empty",
            )
        if len(self._deferred) >= MAX_DEFERRED:
            raise ApiError("Too many turns wait to be heard.", "buffer_full")
        pcm = np.concatenate(self._buffer)
        self._clear_buffer()
        item = Item("message", role="user", spoken=True)
        self._committed.append(item)
        self._add(item)
        self._deferred.append(lambda: self._hear_turn(pcm, rate))
        self.run_deferred()

    def clear(self) -> None:
        """Forget what was not committed."""
        self._clear_buffer()
        self._driver.clear()
        if self._open:
            self._open, self.item = False, None
            self._driver.stop()
        self._send({"type": "input_audio_buffer.cleared"})

    def run_deferred(self) -> None:
        """Hear turns that were committed while a reply was being said, once it is over."""
        while self._deferred and self._quiet():
            self._deferred.popleft()()

    def _hear_turn(self, pcm: NDArray[np.float32], rate: int) -> None:
        """Hear a turn as a whole."""
        driver, talk = self._driver, self._talk
        driver.feed(QUIET, 16_000)
        driver.then(lambda: talk.push_to_talk(True))
        driver.feed(pcm, rate)
        driver.end_of_sound()
        driver.then(lambda: talk.push_to_talk(False))

    def _clear_buffer(self) -> None:
        self._buffer.clear()
        self._buffered = 0

    # Turns

    def speech_started(self, at: int) -> None:
        """Somebody speaks.

        Args:
            at: sample of the microphone.
        """
        if self._open or self.manual:
            return
        self._open = True
        if self.item is None or self.item.id in self._items:
            self.item = Item("message", role="user", spoken=True)
        self._tell("speech_started", audio_start_ms=milliseconds(at), item_id=self.item.id)

    def speech_resumed(self, at: int) -> None:
        """The turn that seemed to be over goes on."""
        if not self.manual and self.item is not None:
            self._open = True
            self._tell("speech_started", audio_start_ms=milliseconds(at), item_id=self.item.id)

    def event(self, event: Event) -> None:
        """Follow an event of the conversation."""
        if isinstance(event, (events.SpeechStarted, events.ReplyStarted)):
            self._alone_since = None
        elif isinstance(event, events.ReplyFinished):
            self._alone_since = event.at
        if isinstance(event, events.SpeechStarted):
            self.speech_started(event.onset)
        elif isinstance(event, events.SpeechStopped) and not self.manual:
            self._open = False
            item_id = self.item.id if self.item else ""
            self._tell("speech_stopped", audio_end_ms=milliseconds(event.end), item_id=item_id)
        elif isinstance(event, events.TurnEnded) and not self.manual:
            if self.item is not None and self.item.id not in self._items:
                self._add(self.item)
        elif isinstance(event, events.Transcript):
            self._transcribed(event)
        elif isinstance(event, events.Failed) and event.stage == "hearing":
            self._failed(event.error)

    def failed(self, error: str) -> None:
        """A turn that was committed cannot be understood."""
        if self._committed:
            self.item = self._committed.popleft()
            self._failed(error)

    def _transcribed(self, event: events.Transcript) -> None:
        if self.manual and self._committed:
            self.item = self._committed.popleft()
        item = self.item
        if item is None:
            return
        item.text = event.text
        wanted = self.config.audio.input.transcription is not None
        if wanted or self.config.type == "transcription":
            where = {"item_id": item.id, "content_index": 0}
            kind = "conversation.item.input_audio_transcription"
            if event.text:
                self._send({"type": f"{kind}.delta", **where, "delta": event.text})
            usage = {"type": "duration", "seconds": 0}
            self._send(
                {"type": f"{kind}.completed", **where, "transcript": event.text, "usage": usage}
            )

    def _failed(self, error: str) -> None:
        if self.item is not None:
            self._send(
                {
                    "type": "conversation.item.input_audio_transcription.failed",
                    "item_id": self.item.id,
                    "content_index": 0,
                    "error": {"type": "server_error", "code": "hearing_failed", "message": error},
                }
            )

    def _add(self, item: Item) -> None:
        before = self._items.add(item)
        self._tell("committed", previous_item_id=before, item_id=item.id)
        for kind in ("added", "done"):
            told = {"previous_item_id": before, "item": item.body()}
            self._send({"type": f"conversation.item.{kind}", **told})

    def _tell(self, what: str, **fields: Any) -> None:
        self._send({"type": f"input_audio_buffer.{what}", **fields})
