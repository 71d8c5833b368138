"""The WebSocket of one device: its hello, its messages, and a limit to everything it sends."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.runtime.network.opus import RATE
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.sessions import Session
from antiphon.transports.lifecycle import end
from antiphon.transports.xiaozhi import framing, messages
from antiphon.transports.xiaozhi.device import Device
from antiphon.transports.xiaozhi.framing import TEXT, Frame, MalformedError
from antiphon.transports.xiaozhi.mcp import McpClient, McpError

log = logging.getLogger(__name__)

HELLO_SECONDS = 10.0
"""Seconds in which a device must have said hello."""
TOOLS_SECONDS = 3.0
"""Seconds in which it must have told its tools; it is heard without them then."""
MAX_BACKLOG = 200
"""Messages that wait until the tools are told: more than it can say in that time."""
MAX_UNREAD = 500
"""Messages a device may leave unread: 20 s of sound and more."""
MAX_MALFORMED = 50
"""Malformed messages after which a device is let go."""
TOLD = 3
"""Malformed messages it is told of."""
MALFORMED, LEAVING, OVERRUN, BROKEN = 1002, 1001, 1008, 1011
"""Reasons to close a WebSocket, by their numbers (RFC 6455, section 7.4.1)."""


class Connection:
    """A device's WebSocket, which is accepted already.

    Args:
        socket: of the device.
        gateway: makes its conversation.
        session: its place.
    """

    def __init__(self, socket: WebSocket, gateway: Gateway, session: Session) -> None:
        self._socket, self._gateway, self._session = socket, gateway, session
        self._id = secrets.token_hex(8)
        self._out: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_UNREAD)
        self._over: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        """Why the connection ends: a number and a sentence."""
        self._hello: messages.Hello | None = None
        self._mcp = McpClient(lambda payload: self.tell({"type": "mcp", "payload": payload}))
        self._device: Device | None = None
        self._backlog: deque[Mapping[str, Any] | bytes] = deque(maxlen=MAX_BACKLOG)
        self._malformed = 0

    async def run(self) -> None:
        """Serve the device until it leaves or has to."""
        work = self._meet(), self._speak(), self._leave()
        tasks = [asyncio.create_task(each) for each in work]
        try:
            ends: list[asyncio.Future[Any]] = [self._over, *tasks[1:]]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                with suppress(RuntimeError, WebSocketDisconnect, asyncio.TimeoutError):
                    await asyncio.wait_for(self._socket.close(*self._over.result()), 5)
        finally:
            await end(tasks)
            if self._device is not None:
                self._device.close()
                self._device = None

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        self._put(json.dumps({"session_id": self._id, **message}, ensure_ascii=False))

    def play(self, frame: Frame) -> None:
        """Send sound."""
        if self._hello is not None:
            self._put(framing.pack(frame, self._hello.version))

    def _put(self, data: str | bytes) -> None:
        try:
            self._out.put_nowait(data)
        except asyncio.QueueFull:
            self._end(OVERRUN, "It does not read what it is sent.")

    def _end(self, code: int, reason: str) -> None:
        if not self._over.done():
            self._over.set_result((code, reason))

    # What the device sends

    async def _meet(self) -> None:
        """Hear it: its hello, and then all else."""
        try:
            self._hello = await asyncio.wait_for(self._introduction(), HELLO_SECONDS)
        except asyncio.TimeoutError:
            self._end(MALFORMED, f"It did not say hello within {HELLO_SECONDS:g} s.")
            return
        except MalformedError as error:
            self._end(MALFORMED, f"Not understood: {error}.")
            return
        except WebSocketDisconnect:
            self._end(LEAVING, "")
            return
        sound = {"format": "opus", "sample_rate": RATE, "channels": 1}
        sound["frame_duration"] = self._hello.frame_ms
        self.tell({"type": "hello", "transport": "websocket", "audio_params": sound})
        ready = asyncio.create_task(self._prepare(self._hello))
        try:
            while True:
                await self._take(await self._socket.receive())
                await asyncio.sleep(0)  # a device that sends without end is not alone
        except WebSocketDisconnect:
            self._end(LEAVING, "")
        except Exception as error:
            self._broke(error)
        finally:
            ready.cancel()

    async def _introduction(self) -> messages.Hello:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        told = self._socket.headers.get("protocol-version")
        return messages.hello(messages.parse(received.get("text") or b"{}"), told)

    async def _take(self, received: Mapping[str, Any]) -> None:
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        self._session.touch()
        try:
            data = received.get("bytes")
            if data is None:
                self._read(messages.parse(received.get("text") or ""))
                return
            assert self._hello is not None
            frame = framing.unpack(data, self._hello.version)
            self._read(messages.parse(frame.payload) if frame.kind == TEXT else frame.payload)
        except MalformedError as error:
            self._complain(error)

    def _complain(self, error: MalformedError) -> None:
        """Tell a device what was not understood; one that goes on like this is let go."""
        self._malformed += 1
        if self._malformed > MAX_MALFORMED:
            self._end(OVERRUN, f"{MAX_MALFORMED} messages were not understood.")
        elif self._malformed <= TOLD:
            said = {"status": "Error", "message": f"Not understood: {error}."}
            self.tell({"type": "alert", **said, "emotion": "confused"})

    def _read(self, message: Mapping[str, Any] | bytes) -> None:
        """Act on a message, or on a packet of sound.

        Raises:
            MalformedError: It is not what it should be.
        """
        if isinstance(message, dict) and message["type"] == "mcp":
            self._mcp.take(messages.fields(message, "payload"))
        elif self._device is None:
            self._backlog.append(message)
        elif isinstance(message, bytes):
            self._device.hear(message)
        elif message["type"] == "listen":
            self._device.listen(messages.listen(message))
        elif message["type"] == "abort":
            self._device.abort()
        elif message["type"] == "goodbye":
            self._end(LEAVING, "")

    async def _prepare(self, hello: messages.Hello) -> None:
        """Ask for the tools, then begin the conversation with what was said meanwhile."""
        tools = {}
        if hello.tools:
            try:
                tools = await asyncio.wait_for(self._mcp.tools(), TOOLS_SECONDS)
            except (asyncio.TimeoutError, McpError) as error:
                log.info("the tools of a device are not known: %s", error or "it says nothing")
        name = self._socket.headers.get("device-id", "")[:64] or "device"
        try:
            self._device = Device(
                self._gateway,
                self._session,
                hello,
                name,
                tools,
                self._mcp,
                tell=self.tell,
                play=self.play,
                failed=self._broke,
            )
        except Exception as error:
            self._broke(error)
            return
        for message in self._backlog:
            try:
                self._read(message)
            except MalformedError as error:  # noqa: PERF203, the next one may be good
                self._complain(error)
        self._backlog.clear()

    # What the device is sent

    async def _speak(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                data = await self._out.get()
                if isinstance(data, str):
                    await self._socket.send_text(data)
                else:
                    await self._socket.send_bytes(data)

    async def _leave(self) -> None:
        self._end(LEAVING, await self._session.ended())

    def _broke(self, error: Exception) -> None:
        log.error("the conversation of a device broke", exc_info=error)
        self._end(BROKEN, "The conversation broke: see the server's log.")
