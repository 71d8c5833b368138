"""One device: its microphone, its loudspeaker, its screen and its tools in a conversation."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Turn
from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.network.opus import HEARD_RATE, RATE, Decoder, Encoder, NotOpusError
from antiphon.tools import Call, Result, Tool
from antiphon.tools.phrases import described
from antiphon.transports.xiaozhi.emotion import emotion
from antiphon.transports.xiaozhi.framing import Frame, MalformedError, Version
from antiphon.transports.xiaozhi.messages import Hello, Listen, Mode
from antiphon.transports.xiaozhi.subtitles import Subtitles

if TYPE_CHECKING:
    from antiphon.runtime.network.sent_reply import SentReply
    from antiphon.runtime.options import Mode as TalkMode
    from antiphon.runtime.session.agent_turn import Reason
    from antiphon.transports.http.gateway import Gateway
    from antiphon.transports.http.sessions import Session
    from antiphon.transports.xiaozhi.mcp import McpClient

LEAD_SECONDS = 0.1
"""Seconds a reply is ahead of being played, and a packet of the microphone more: three packets of
60 ms at most. Devices hold about five; some without PSRAM start anew if five come at once."""
CHUNK = HEARD_RATE * 60 // 1000
"""Samples that are heard at once: those of longer packets do not make the lead longer."""
WAKE_WORDS = 3
"""Words of the longest text that is taken for a wake word; a longer one is a question."""


class Device:
    """A device in a conversation.

    Args:
        gateway: makes the conversation.
        session: its place.
        hello: how it introduced itself.
        name: of it.
        tools: it has, by our names.
        mcp: uses them.
        tell: sends it a message.
        play: sends it a frame of sound.
        failed: called if the conversation breaks.
    """

    def __init__(
        self,
        gateway: Gateway,
        session: Session,
        hello: Hello,
        name: str,
        tools: Mapping[str, Tool],
        mcp: McpClient,
        *,
        tell: Callable[[Mapping[str, Any]], None],
        play: Callable[[Frame], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.robot, self.tools, self.hello = name, tools, hello
        self._session, self._mcp, self._tell, self._play = session, mcp, tell, play
        self._options = gateway.options
        self._loop = asyncio.get_running_loop()
        self._calls: deque[tuple[Call, Future[Any]]] = deque()
        """Calls of a turn that may go on."""
        self._making: set[asyncio.Task[None]] = set()
        self._decode, self._encode = Decoder(), Encoder(hello.frame_ms)
        self._subtitles, self._face = Subtitles(), "neutral"
        self._listening = self._speaking = self._pressed = False
        self._question = ""
        """What was written and is not asked yet."""
        self._played_ms, self._closed = 0, False
        self.driver = gateway.drive(
            self, self, session, rate=RATE, failed=failed, lead=LEAD_SECONDS, grace=0.0
        )
        self._mode: Mode | None = None

    @property
    def version(self) -> Version:
        """Of its binary frames."""
        return self.hello.version

    # What the device does

    def hear(self, packet: bytes) -> None:
        """Sound of its microphone; what comes while it does not listen is old.

        Raises:
            MalformedError: It is no sound.
        """
        try:
            pcm = self._decode(packet)
        except NotOpusError as error:
            raise MalformedError(str(error)) from error
        if self._listening:
            for begin in range(0, len(pcm), CHUNK):
                self.driver.feed(pcm[begin : begin + CHUNK], HEARD_RATE)

    def listen(self, said: Listen) -> None:
        """Its microphone opens or closes, or heard a wake word."""
        talk = self.driver.conversation
        if said.state == "detect":
            self._woken(said.text)
        elif said.state == "start":
            self._behave(said.mode)
            self._listening = True
            if said.mode == "manual" and not self._pressed:
                self._pressed = True
                self.driver.then(lambda: talk.push_to_talk(True))
        else:
            self._listening = False
            self.driver.end_of_sound()
            self._release()

    def abort(self) -> None:
        """Be silent now."""
        self.driver.stop()
        self._stop()

    def _behave(self, mode: Mode) -> None:
        """Take turns as a way of listening wants it."""
        if mode == self._mode:
            return
        self._release()
        self._mode = mode
        # A device that plays and listens at once, and leaves its echo to us, hears itself.
        full = mode == "realtime" and not self.hello.echo
        turns: TalkMode = "ptt" if mode == "manual" else "full" if full else "half"
        options = replace(self._options, mode=turns)
        self.driver.then(lambda: self.driver.conversation.configure(options))

    def _release(self) -> None:
        if self._pressed:
            self._pressed = False
            self.driver.then(lambda: self.driver.conversation.push_to_talk(False))

    def _woken(self, text: str) -> None:
        """A wake word stops the agent; a question in its place is answered."""
        self.abort()
        if len(text.split()) <= WAKE_WORDS and not text.endswith("?"):
            return
        self._tell({"type": "stt", "text": text})
        self._question = text
        self._ask()

    def _ask(self) -> None:
        """Ask the question that was written, once it is known what was heard of the last reply."""
        talk = self.driver.conversation
        if self._question and talk.state != "speaking":
            turns = [*talk.history, Turn("user", self._question)]
            self._question = ""
            talk.remember(turns)
            talk.respond()
            self.driver.wake()

    def close(self) -> None:
        """It is gone."""
        self._mcp.close("the device is gone")
        while self._calls:
            settle(self._calls.popleft()[1], Result(False, error="the device is gone"))
        self.driver.close()
        self._closed = True
        # What knows each other would keep its memory until Python looks for such circles.
        self._session.busy, self._session.waiting = (lambda: False), (lambda: 0.0)
        del self.driver

    # What the conversation does

    def on_event(self, event: Event) -> None:
        """See `Client`."""
        self._session.observe(event)
        if isinstance(event, events.Transcript) and event.text:
            self._tell({"type": "stt", "text": event.text})
        elif isinstance(event, events.ReplyStarted):
            self._start()
        elif isinstance(event, events.ReplyText):
            self._show(event.text)
        elif isinstance(event, (events.ReplyFinished, events.Interrupted)):
            self._stop()
        elif isinstance(event, events.Failed):
            alert = {"status": "Error", "message": event.error, "emotion": "sad"}
            self._tell({"type": "alert", **alert})
        self._ask()
        self._make_calls()

    def on_sound(self, reply: SentReply, pcm: NDArray[np.float32]) -> None:
        """See `Client`."""
        self._send(self._encode(pcm))
        if not self.driver.conversation.sounding:  # it ends here; maybe a frame of it still comes
            self._loop.call_soon(self._flush, self._encode)

    def _flush(self, encode: Encoder) -> None:
        if encode is self._encode:
            self._send(encode(np.zeros(0, np.float32), last=True))

    def _send(self, packets: list[bytes]) -> None:
        for packet in packets:
            self._play(Frame(packet, timestamp=self._played_ms))
            self._played_ms += self.hello.frame_ms

    def on_interrupted(self, reply: SentReply, reason: Reason) -> None:
        """See `Client`."""
        self._stop()

    def _start(self) -> None:
        self._stop()
        self._speaking, self._subtitles = True, Subtitles()
        self._encode = Encoder(self.hello.frame_ms)
        self._tell({"type": "tts", "state": "start"})

    def _show(self, words: str) -> None:
        reply = self.driver.reply
        said = self._subtitles.next(words, reply.script.text) if reply is not None else None
        if said is None or not self._speaking:
            return
        if (face := emotion(said)) != self._face:
            self._face = face
            self._tell({"type": "llm", "emotion": face, "text": ""})
        self._tell({"type": "tts", "state": "sentence_start", "text": said})

    def _stop(self) -> None:
        if self._speaking:
            self._speaking = False
            self._encode = Encoder(self.hello.frame_ms)
            self._tell({"type": "tts", "state": "stop"})

    # Tools

    def execute(self, call: Call) -> Future[Any]:
        """Use a tool; may be called in any thread. See `Peer`.

        The call leaves when the user's turn is over, not when it only seems to be.
        """
        future: Future[Any] = Future()
        self._loop.call_soon_threadsafe(self._add_call, call, future)
        return future

    def _add_call(self, call: Call, future: Future[Any]) -> None:
        if self._closed:
            settle(future, Result(False, error="the device is gone"))
            return
        self._calls.append((call, future))
        self._make_calls()

    def _make_calls(self) -> None:
        talk = self.driver.conversation
        while self._calls and talk.state != "listening":
            call, future = self._calls.popleft()
            if future.cancelled():
                continue
            if talk.state == "idle":
                settle(future, Result(False, error="nobody wants it any more"))
                continue
            told = described(self.tools[call.name], call)
            talk.notice(events.ToolCalled(0, call.name, json.dumps(call.arguments), told))
            task = self._loop.create_task(self._make(call, future))
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def _make(self, call: Call, future: Future[Any]) -> None:
        settle(future, await self._mcp.call(call.name, call.arguments))


def settle(future: Future[Any], result: Result) -> None:
    """Sets a result, unless the future was cancelled."""
    with suppress(InvalidStateError):
        future.set_result(result)
