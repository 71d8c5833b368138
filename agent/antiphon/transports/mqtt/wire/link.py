"""The line to the broker; no other module knows the MQTT library.

Lost lines are found again within half a second of the broker's return. Nothing is kept meanwhile:
what could not be said in time is not said at all. Memory is bounded: arriving messages are handled
at once, leaving ones wait in short queues that drop the oldest sound first.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from antiphon.errors import UserError
from antiphon.runtime.clock import WallClock
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing

KEEPALIVE = 15
"""Seconds between signs of life on an idle line."""
BROKER_TIMEOUT = 5.0
"""Seconds after which a silent broker is given up."""
BACKOFF, MAX_BACKOFF = 0.05, 0.4
"""Seconds between attempts to connect: doubled each time, up to the longest."""
MAX_MESSAGE_BYTES = 128 * 1024
"""Bytes; the broker is asked to keep larger messages to itself."""
QUEUE = 256
"""Messages that may wait to leave."""
MAX_SOUND_AGE = 1.0
"""Seconds after which waiting sound is dropped."""
AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Options of the socket: sound does not wait until the sound before it has been acknowledged, which
takes 40 ms where acknowledgements are delayed."""
PERMANENT_REFUSALS = (4, 5, 134, 135)
"""Answers of a broker that will not change by asking again: bad user, bad password, not allowed."""


class Link:
    """A line to the broker that comes back by itself.

    Args:
        broker: where.
        identifier: of this client; the broker knows one of each.
        topics: to subscribe to, with the quality of service.
        handle: takes every message, in the event loop; must not block.
        opened: the first messages after each connection.
        will: what the broker says if the line is lost; also said on leaving.
        lost: told when the line is gone, with the reason.
        version: of the protocol, 5 or 3 (3.1.1).
    """

    def __init__(
        self,
        broker: Broker,
        *,
        identifier: str,
        topics: Sequence[tuple[str, int]],
        handle: Callable[[Incoming], None],
        opened: Callable[[], Iterable[Outgoing]] = tuple,
        will: Outgoing | None = None,
        lost: Callable[[str], None] | None = None,
        version: Literal[3, 5] = 5,
    ) -> None:
        self.broker, self.identifier, self.topics = broker, identifier, topics
        self.handle, self.opened, self.will, self.lost = handle, opened, will, lost
        self.version = version
        self.connected = False
        self.dropped = 0
        """Messages that were not sent because the line was gone or too slow."""
        self.failures = 0
        """Messages whose handling raised; none should."""
        self.clock = WallClock()
        self._context = broker.context()
        self._sound: deque[tuple[float, Outgoing]] = deque()
        self._texts: deque[tuple[float, Outgoing]] = deque()
        self._wake: dict[int, asyncio.Event] = {}

    def send(self, message: Outgoing) -> bool:
        """Sends a message as soon as possible; never waits.

        Returns:
            Whether there is a line at all.
        """
        queue = self._texts if message.qos else self._sound
        if not self.connected:
            self.dropped += 1
            return False
        if len(queue) >= QUEUE:
            queue.popleft()
            self.dropped += 1
        queue.append((self.clock.now(), message))
        self._wake[message.qos].set()
        return True

    async def run(self) -> None:
        """Keeps the line until cancelled, then takes leave.

        Raises:
            UserError: The broker refuses user or password.
        """
        wait = BACKOFF
        while True:
            connected = False
            try:
                async with self._client() as client:
                    connected, wait = True, BACKOFF
                    await self._serve(client)
            except aiomqtt.MqttCodeError as error:
                code = getattr(error.rc, "value", error.rc)
                if not connected and code in PERMANENT_REFUSALS:
                    raise UserError(
                        f"The broker {self.broker.name} refuses this user ({error.rc}): check "
                        "the user name and the password in its address."
                    ) from error
                self._gone(str(error))
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                self._gone(str(error))
            finally:
                self.connected = False
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_BACKOFF)

    def _client(self) -> aiomqtt.Client:
        protocol = aiomqtt.ProtocolVersion.V5 if self.version == 5 else aiomqtt.ProtocolVersion.V311
        connect = None
        if self.version == 5:
            connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            connect.MaximumPacketSize = MAX_MESSAGE_BYTES
        will = None
        if self.will is not None:
            last = self.will
            will = aiomqtt.Will(last.topic, last.payload, last.qos, last.retain)
        return aiomqtt.Client(
            self.broker.host,
            self.broker.port,
            identifier=self.identifier,
            username=self.broker.user,
            password=self.broker.password,
            protocol=protocol,
            will=will,
            keepalive=KEEPALIVE,
            timeout=BROKER_TIMEOUT,
            tls_context=self._context,
            properties=connect,
            socket_options=AT_ONCE,
            queue_type=self._inbox(),
            clean_start=True if self.version == 5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            clean_session=True if self.version == 3 else None,
        )

    def _inbox(self) -> type[asyncio.Queue[aiomqtt.Message]]:
        """A queue that holds nothing: each message is handled where it arrives.

        So there is no task switch a message, and a slow handler is felt by the sender's socket
        instead of by our memory.
        """
        take = self._take

        class Inbox(asyncio.Queue[aiomqtt.Message]):
            def put_nowait(self, item: aiomqtt.Message) -> None:
                take(item)

        return Inbox

    def _take(self, message: aiomqtt.Message) -> None:
        try:
            self.handle(incoming(message))
        except Exception:
            self.failures += 1

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Subscribe, say what is to be said first, and pump until the line breaks."""
        self._sound.clear()
        self._texts.clear()
        self._wake = {0: asyncio.Event(), 1: asyncio.Event()}
        self.connected = True
        if self.topics:
            await client.subscribe(list(self.topics))
        for message in self.opened():
            await self._publish(client, message)
        work = [
            asyncio.create_task(each)
            for each in (
                self._pump(client, self._sound, self._wake[0], MAX_SOUND_AGE),
                self._pump(client, self._texts, self._wake[1], BROKER_TIMEOUT),
                self._listen(client),
            )
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            if self.will is not None:
                with contextlib.suppress(aiomqtt.MqttError, asyncio.TimeoutError):
                    await asyncio.wait_for(self._publish(client, self.will), 1.0)
            raise
        finally:
            self.connected = False
            await end(work)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:
            pass  # handled in the inbox; the iterator raises when the line breaks

    async def _pump(
        self,
        client: aiomqtt.Client,
        queue: deque[tuple[float, Outgoing]],
        wake: asyncio.Event,
        stale: float,
    ) -> None:
        while True:
            await wake.wait()
            wake.clear()
            while queue:
                since, message = queue.popleft()
                if self.clock.now() - since > stale:
                    self.dropped += 1
                else:
                    await self._publish(client, message)

    async def _publish(self, client: aiomqtt.Client, message: Outgoing) -> None:
        properties = Packed(message) if self.version == 5 else None
        # No timeout for sound, which would cost as much as sending it: the queue shows a slow
        # broker, keep-alives one that is gone.
        await client.publish(
            message.topic,
            message.payload,
            message.qos,
            message.retain,
            properties,
            timeout=BROKER_TIMEOUT if message.qos else math.inf,
        )

    def _gone(self, reason: str) -> None:
        if self.lost is not None:
            self.lost(reason)


def incoming(message: aiomqtt.Message) -> Incoming:
    """A message of the library as one of ours."""
    given: Any = message.properties
    payload = bytes(message.payload)
    if given is None or given.isEmpty():
        return Incoming(message.topic.value, payload, bool(message.retain))
    return Incoming(
        message.topic.value,
        payload,
        bool(message.retain),
        getattr(given, "ContentType", None),
        getattr(given, "UserProperty", ()),
        getattr(given, "ResponseTopic", None),
        getattr(given, "CorrelationData", None),
    )


class Packed(Properties):
    """The properties of a message, packed by hand: the library's way takes longer than the rest.

    Numbers of the properties: MQTT 5.0, section 2.2.2.2.
    """

    def __init__(self, message: Outgoing) -> None:
        packed = b""
        if message.expiry is not None:
            packed += b"\x02" + message.expiry.to_bytes(4, "big")
        if message.content_type is not None:
            packed += b"\x03" + _string(message.content_type)
        if message.response is not None:
            packed += b"\x08" + _string(message.response)
        if message.correlation is not None:
            packed += b"\x09" + struct.pack(">H", len(message.correlation)) + message.correlation
        for name, value in message.properties:
            packed += b"\x26" + _string(name) + _string(value)
        object.__setattr__(self, "packed", _length(len(packed)) + packed)

    def pack(self) -> bytes:
        """As it stands in the message."""
        packed: bytes = object.__getattribute__(self, "packed")
        return packed


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(size: int) -> bytes:
    """A number of seven bits a byte, as MQTT counts."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (128 if size else 0))
        if not size:
            return bytes(out)
