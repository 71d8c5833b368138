"""One of Rhasspy's satellites, which looks like a robot to the agent."""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from antiphon.transports.hermes import wav
from antiphon.transports.hermes.announcer import Announcer
from antiphon.transports.hermes.dialogue import Dialogue
from antiphon.transports.hermes.sites import robot_of
from antiphon.transports.hermes.speaker import Speaker
from antiphon.transports.mqtt.wire import messages, packets
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.messages import Cmd, Heard, Hello, State, Status
from antiphon.transports.mqtt.wire.packets import Packet
from antiphon.transports.mqtt.wire.topics import Topics, is_name

DEAF_SECONDS = 0.3
"""Seconds after the satellite has spoken in which its echo may still be heard."""


class Satellite:
    """Translates for one satellite.

    Args:
        site: its id.
        formats: of sound from it and to it.
        send: sends a message; says whether there is a line.
        now: seconds on the clock.
    """

    def __init__(
        self,
        site: str,
        formats: tuple[Format, Format],
        send: Callable[[Outgoing], bool],
        now: Callable[[], float],
    ) -> None:
        self.site, self.topics = site, Topics(robot_of(site))
        self._up, self._down = formats
        self._send, self._now = send, now
        self._session = secrets.randbits(32)
        self.state: State | None = None
        """What the agent does; None: it does not know the satellite."""
        self._at = 0
        """Samples of the microphone so far."""
        self._deaf_until = 0.0
        self._requests: deque[str] = deque(maxlen=64)
        """Names of the newest files, none of which is used twice."""
        self.used = now()
        """When it last did something, in seconds."""
        self.speaker = Speaker(self._down.rate, self._play, self._report)
        self.announcer = Announcer(self._command)
        stop = Cmd("stop")
        self.dialogue = Dialogue(self.publish, self.announcer, lambda: self._command(stop), now)

    @property
    def idle(self) -> bool:
        """Whether nothing goes on."""
        working = self.state is not None and self.state.state != "idle"
        return not (working or self.dialogue.busy or self.announcer.busy or self.speaker.sounding)

    def greet(self) -> None:
        """Say what a robot would say on connecting."""
        formats = self._up.content_type, self._down.content_type
        hello = Hello(self._session, *formats, "header")
        for leaf, told in (("status", Status("online", self._session)), ("hello", hello)):
            self._send(Outgoing(self.topics(leaf), told.body(), 1))

    def leave(self) -> None:
        """Give the place of a robot back."""
        self._send(Outgoing(self.topics("status"), Status("offline", self._session).body(), 1))

    # From the satellite

    def hear(self, payload: bytes) -> None:
        """Take sound of the microphone.

        A satellite does not take its own voice out of it, so it is deaf while it speaks; its wake
        word interrupts.

        Raises:
            MalformedError: It is no sound.
        """
        if self.dialogue.session is None:
            return  # the wake word was not heard
        now, body = self._now(), wav.samples(payload)
        if self.speaker.sounding or self.announcer.saying or now < self._deaf_until:
            body = bytes(len(body))
        packet = Packet(self._session, 0, round(1000 * now), self._at, body)
        self._at += len(body) // 2
        self._send(sound(self.topics("audio/in"), packet, self._up, "header"))

    def say(self, fields: dict[str, Any]) -> None:
        """Say a text (`tts/say`), and that it was said."""
        request, text = fields.get("id"), fields.get("text")
        request = request[:64] if isinstance(request, str) else ""
        told = {"id": request, "sessionId": fields.get("sessionId")}

        def done() -> None:
            self.publish("tts/sayFinished", **told)

        self.announcer.add(text if isinstance(text, str) else "", done, request=request)

    def played(self, fields: dict[str, Any]) -> None:
        """A file was played (`playFinished`)."""
        self.speaker.finished(str(fields.get("id")), self._now())

    # From the agent

    def take(self, leaf: str, message: Incoming) -> None:
        """A message of the agent to the robot.

        Raises:
            MalformedError: It is not what its topic promises.
        """
        if leaf == "state":
            state = messages.read(State, message.payload)
            if state.session == self._session:
                self._follow(state)
        elif leaf == "event":
            event = messages.fields_of("event", message.payload)
            if event["event"] == "Said":
                self.announcer.said(event.get("name"))
        elif self.state is not None:
            told = message.content_type, message.properties
            self.speaker.take(packets.read(message.payload, *told, self._down), self._now())

    def _follow(self, state: State) -> None:
        self.state = state
        if state.stream != self.speaker.stream:
            self.speaker.follow(state.stream)
            self.announcer.restart()
        self.speaker.clear(state.generation, self._now())

    def tick(self) -> None:
        """Time passes."""
        now, agent = self._now(), self.state.state if self.state is not None else None
        self.speaker.tick(now)
        sounding = self.speaker.sounding
        if sounding:
            self._deaf_until = now + DEAF_SECONDS
        self.announcer.tick(now, idle=agent == "idle", sounding=sounding)
        busy = sounding or agent not in ("idle", None)
        self.dialogue.tick(busy=busy, sounding=sounding)

    # To both

    def publish(self, what: str, **fields: Any) -> None:
        """Send a message of Hermes about this satellite; fields that are None are null."""
        session = self.dialogue.session
        told = {"siteId": self.site, "sessionId": session.id if session else None, **fields}
        self._send(Outgoing(f"hermes/{what}", json.dumps(told).encode(), 1, expiry=5))

    def _command(self, command: Cmd) -> bool:
        return self._send(Outgoing(self.topics("cmd"), command.body(), 1, expiry=2))

    def _report(self, heard: Heard) -> None:
        self._send(Outgoing(self.topics("audio/heard"), heard.body()))

    def _play(self, samples: bytes) -> str:
        """Send a file to the satellite; the first one of a text is called as the text is."""
        text = self.announcer.saying
        request = text.request if text is not None and is_name(text.request) else ""
        if not request or request in self._requests:
            request = f"{request}{'-' if request else ''}{secrets.token_hex(8)}"
        self._requests.append(request)
        topic = f"hermes/audioServer/{self.site}/playBytes/{request}"
        self._send(Outgoing(topic, wav.file(samples, self._down.rate), 1, expiry=5))
        return request
