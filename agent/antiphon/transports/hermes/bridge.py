"""Rhasspy's satellites (Hermes): a translator that looks like a robot for each of them.

A satellite streams its microphone all the time and wakes the agent with its wake word. From then on
its sound is passed on; the reply goes back as WAV files of a second or two, because Hermes knows no
stream. It knows no acknowledgement of samples either, so what was sent counts as heard.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import wave
from typing import Any

from antiphon.runtime.clock import WallClock
from antiphon.runtime.frames import RATE
from antiphon.transports.mqtt.server.server import Server
from antiphon.transports.mqtt.wire import messages, packets
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.link import Link, until_first_ends
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Cmd, Heard, Hello, State, Status
from antiphon.transports.mqtt.wire.packets import Packet
from antiphon.transports.mqtt.wire.topics import ROOT, SERVER_STATUS, Topics, is_name, split

WAV_SECONDS = 2.0
"""Seconds of a WAV file: longer ones begin later, shorter ones leave more gaps."""
SESSION_TIMEOUT = 8.0
"""Seconds of quiet after which a session ends and the wake word is needed again."""
MAX_SATELLITES = 64
"""Satellites at the same time."""
TOPICS = [
    ("hermes/hotword/+/detected", 1),
    ("hermes/audioServer/+/audioFrame", 0),
    ("hermes/tts/say", 1),
    ("hermes/dialogueManager/endSession", 1),
    *((f"{ROOT}/+/{leaf}", qos) for leaf, qos in (("audio/out", 0), ("state", 1))),
    (SERVER_STATUS, 1),
]


class Satellite:
    """One satellite, as the translator knows it."""

    def __init__(self, site: str) -> None:
        self.site, self.topics = site, Topics(site)
        self.session = secrets.randbits(32)
        self.dialogue: str | None = None
        """Name of the running session; None: it waits for its wake word."""
        self.state: State | None = None
        self.at = 0
        """Samples of its microphone so far."""
        self.reply = bytearray()
        """Sound of a reply that is not sent yet: PCM of 16 bits."""
        self.quiet_since = 0.0
        self.saying: str | None = None
        """Id of a text that is being said."""


class Hermes:
    """Translates between Hermes and our topics.

    Args:
        server: whose broker, and whose voice's rate.
    """

    def __init__(self, server: Server) -> None:
        self.satellites: dict[str, Satellite] = {}
        self.malformed = 0
        self._clock = WallClock()
        self._up, self._down = pcm(RATE), pcm(server.formats.down[0].rate)
        name = f"antiphon-hermes-{secrets.token_hex(4)}"
        self.link = Link(
            server.link.broker,
            identifier=name,
            topics=TOPICS,
            handle=self.handle,
            opened=self._greetings,
        )

    def handle(self, message: Incoming) -> None:
        """Takes a message of either side."""
        if message.retained:
            return
        try:
            place = split(message.topic)
            if message.topic == SERVER_STATUS:
                self._greet_again(messages.read(Status, message.payload))
            elif place is not None:
                self._from_agent(*place, message)
            elif message.topic.endswith("/audioFrame"):
                site = message.topic.split("/")[2]
                self._hear(self.satellites.get(site), message.payload)
            else:
                self._from_satellite(message.topic.split("/", 1)[1], _fields(message.payload))
        except MalformedError:
            self.malformed += 1

    # From the satellite

    def _from_satellite(self, what: str, fields: dict[str, Any]) -> None:
        if what == "dialogueManager/endSession":
            for each in self.satellites.values():
                if each.dialogue is not None and each.dialogue == fields.get("sessionId"):
                    self._sleep(each, "nominal")
            return
        satellite = self._known(fields.get("siteId", "default"))
        if what.startswith("hotword/"):
            self._wake(satellite)
        else:
            satellite.saying = str(fields.get("id", ""))[:64]
            text = Cmd("say", str(fields.get("text", ""))[:2000])
            self.link.send(Outgoing(satellite.topics("cmd"), text.body(), 1, expiry=2))

    def _known(self, site: object) -> Satellite:
        if not isinstance(site, str) or not is_name(site):
            raise MalformedError("a satellite cannot be called so")
        if site not in self.satellites:
            if len(self.satellites) >= MAX_SATELLITES:
                raise MalformedError("these are too many satellites")
            self.satellites[site] = satellite = Satellite(site)
            for message in self._greeting(satellite):
                self.link.send(message)
        return self.satellites[site]

    def _greeting(self, satellite: Satellite) -> list[Outgoing]:
        """What a robot would say on connecting."""
        online = Status("online", satellite.session)
        formats = self._up.content_type, self._down.content_type
        hello = Hello(satellite.session, *formats, "header")
        told = (("status", online), ("hello", hello))
        return [Outgoing(satellite.topics(leaf), said.body(), 1) for leaf, said in told]

    def _greetings(self) -> list[Outgoing]:
        return [message for each in self.satellites.values() for message in self._greeting(each)]

    def _greet_again(self, server: Status) -> None:
        """The server has just come, and does not know its satellites."""
        if server.state == "online":
            for message in self._greetings():
                self.link.send(message)

    def _wake(self, satellite: Satellite) -> None:
        if satellite.dialogue is None:
            satellite.dialogue = secrets.token_hex(8)
            satellite.quiet_since = self._clock.now()
            self._say(satellite, "dialogueManager/sessionStarted")
            self._say(satellite, "hotword/toggleOff", reason="dialogueSession")

    def _sleep(self, satellite: Satellite, reason: str) -> None:
        self._say(satellite, "dialogueManager/sessionEnded", termination={"reason": reason})
        self._say(satellite, "hotword/toggleOn", reason="dialogueSession")
        satellite.dialogue = None

    def _hear(self, satellite: Satellite | None, payload: bytes) -> None:
        if satellite is None or satellite.dialogue is None:
            return  # the wake word was not heard
        body = _samples(payload)
        sent = round(1000 * self._clock.now())
        packet = Packet(satellite.session, 0, sent, satellite.at, body)
        satellite.at += len(body) // 2
        self.link.send(sound(satellite.topics("audio/in"), packet, self._up, "header"))
        quiet = self._clock.now() - satellite.quiet_since
        if satellite.state is not None and satellite.state.state != "idle":
            satellite.quiet_since = self._clock.now()
        elif quiet > SESSION_TIMEOUT:
            self._sleep(satellite, "nominal")

    # From the agent

    def _from_agent(self, robot: str, leaf: str, message: Incoming) -> None:
        satellite = self.satellites.get(robot)
        if satellite is None:
            return
        if leaf == "state":
            state = messages.read(State, message.payload)
            if state.session == satellite.session:
                self._follow(satellite, state)
        else:
            told = message.content_type, message.properties
            packet = packets.read(message.payload, *told, self._down)
            known = satellite.state
            if known is None or packet.session != known.stream:
                return
            if packet.generation >= known.generation:
                satellite.reply += packet.body
                self._confirm(satellite, packet)
                if len(satellite.reply) >= WAV_SECONDS * 2 * self._down.rate:
                    self._play(satellite)

    def _follow(self, satellite: Satellite, state: State) -> None:
        before, satellite.state = satellite.state, state
        if before is not None and state.generation > before.generation:
            satellite.reply.clear()
        if state.state != "speaking":
            self._play(satellite)
            if satellite.saying is not None and state.state == "idle" and before is not None:
                self._say(satellite, "tts/sayFinished", id=satellite.saying)
                satellite.saying = None

    def _confirm(self, satellite: Satellite, packet: Packet) -> None:
        end = packet.start + len(packet.body) // 2
        heard = Heard(packet.session, packet.generation, end)
        self.link.send(Outgoing(satellite.topics("audio/heard"), heard.body()))

    def _play(self, satellite: Satellite) -> None:
        if satellite.reply:
            body = _wav(bytes(satellite.reply), self._down.rate)
            satellite.reply.clear()
            request = satellite.saying or ""
            request = request if is_name(request) else secrets.token_hex(8)
            name = f"hermes/audioServer/{satellite.site}/playBytes/{request}"
            self.link.send(Outgoing(name, body, 1, expiry=5))

    def _say(self, satellite: Satellite, what: str, **fields: Any) -> None:
        told = {"siteId": satellite.site, "sessionId": satellite.dialogue or "", **fields}
        self.link.send(Outgoing(f"hermes/{what}", json.dumps(told).encode(), 1, expiry=5))


async def bridge(server: Server) -> None:
    """Serves robots and satellites until cancelled."""
    work = [asyncio.create_task(server.run()), asyncio.create_task(Hermes(server).link.run())]
    await until_first_ends(work)


def _fields(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload[: messages.MAX_BYTES].decode("utf-8") or "{}")
    except (ValueError, RecursionError) as error:
        raise MalformedError("the message is no JSON") from error
    if not isinstance(found, dict):
        raise MalformedError("the message is no object")
    return found


def _samples(payload: bytes) -> bytes:
    """The samples of a WAV file of one chunk."""
    try:
        with wave.open(io.BytesIO(payload)) as file:
            form = file.getframerate(), file.getnchannels(), file.getsampwidth()
            data = file.readframes(RATE)
    except (wave.Error, EOFError, OverflowError) as error:
        raise MalformedError("the sound is no WAV file") from error
    if form != (RATE, 1, 2) or len(data) % 2 or not data:
        raise MalformedError("the sound must have 16,000 samples a second, one channel, 16 bits")
    return data


def _wav(data: bytes, rate: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data)
    return made.getvalue()
