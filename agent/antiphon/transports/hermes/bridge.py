"""Rhasspy's satellites (Hermes): a translator that looks like a robot for each of them.

A satellite streams its microphone all the time and wakes the agent with its wake word. From then
on its sound is passed on; the reply goes back as WAV files of a second, because Hermes knows no
stream.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from antiphon.runtime.clock import WallClock
from antiphon.runtime.frames import RATE
from antiphon.transports.hermes.satellite import Satellite
from antiphon.transports.hermes.sites import robot_of, site_of
from antiphon.transports.lifecycle import until_first_ends
from antiphon.transports.mqtt.server.server import Server
from antiphon.transports.mqtt.wire import messages
from antiphon.transports.mqtt.wire.envelope import Incoming
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.link import Link
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Status
from antiphon.transports.mqtt.wire.topics import ROOT, SERVER_STATUS, split

TICK_SECONDS = 0.02
"""Seconds between two glances at the clock."""
SESSIONS = "startSession", "continueSession", "endSession"
TOPICS = [
    ("hermes/hotword/+/detected", 1),
    ("hermes/audioServer/+/audioFrame", 0),
    ("hermes/audioServer/+/playFinished", 1),
    ("hermes/tts/say", 1),
    *((f"hermes/dialogueManager/{leaf}", 1) for leaf in SESSIONS),
    *((f"{ROOT}/+/{leaf}", qos) for leaf, qos in (("audio/out", 0), ("state", 1), ("event", 1))),
    (SERVER_STATUS, 1),
]


class Hermes:
    """Translates between Hermes and our topics.

    Args:
        server: whose broker, and whose voice's rate.
    """

    def __init__(self, server: Server) -> None:
        self.satellites: dict[str, Satellite] = {}
        """By what they are called as robots."""
        self.malformed = 0
        self._clock, self._say = WallClock(), server.say
        self._most = server.max_robots
        self._formats = pcm(RATE), pcm(server.formats.down[0].rate)
        self._refused: set[str] = set()
        self.link = Link(
            server.link.broker,
            identifier=f"antiphon-hermes-{secrets.token_hex(4)}",
            topics=TOPICS,
            handle=self.handle,
            opened=self._opened,
        )

    async def run(self) -> None:
        """Translates until cancelled."""
        await until_first_ends(
            [asyncio.create_task(self.link.run()), asyncio.create_task(self._ticking())]
        )

    def handle(self, message: Incoming) -> None:
        """Takes a message of either side."""
        if message.retained:
            return
        try:
            place = split(message.topic)
            if message.topic == SERVER_STATUS:
                if messages.read(Status, message.payload).state == "online":
                    self._greet()  # it has just come, and does not know its satellites
            elif place is None:
                self._from_satellite(message.topic.split("/")[1:], message.payload)
            elif place[0] in self.satellites:
                self.satellites[place[0]].take(place[1], message)
        except MalformedError as error:
            self._refuse(message.topic, str(error))

    def tick(self) -> None:
        """Time passes for every satellite."""
        for satellite in list(self.satellites.values()):
            satellite.tick()

    async def _ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def _from_satellite(self, topic: list[str], payload: bytes) -> None:
        if topic[0] == "audioServer":
            satellite = self.satellites.get(robot_of(topic[1]))
            if satellite is not None and topic[2] == "audioFrame":
                satellite.hear(payload)
            elif satellite is not None:
                satellite.played(_fields(payload))
            return
        what, fields = topic[-1], _fields(payload)
        if what in ("continueSession", "endSession"):  # they name the session and not the satellite
            for satellite in self.satellites.values():
                if fields.get("sessionId") in satellite.dialogue.ids():
                    satellite.used = self._clock.now()
                    (satellite.dialogue.end if what == "endSession" else satellite.dialogue.go_on)(
                        fields
                    )
            return
        satellite = self._known(site_of(fields.get("siteId")))
        if what == "detected":
            satellite.dialogue.wake(fields)
        elif what == "startSession":
            satellite.dialogue.start(fields)
        else:
            satellite.say(fields)

    def _known(self, site: str) -> Satellite:
        """The satellite of a site; a new one takes the place of one that has nothing to do."""
        robot = robot_of(site)
        if robot not in self.satellites:
            idle = [each for each in self.satellites.values() if each.idle]
            if len(self.satellites) >= self._most and idle:
                oldest = min(idle, key=lambda each: each.used)
                del self.satellites[oldest.topics.robot]
                oldest.leave()
            elif len(self.satellites) >= self._most:
                raise MalformedError(f"{self._most} satellites are busy: serve more with --robots")
            now = self._clock.now
            self.satellites[robot] = Satellite(site, self._formats, self.link.send, now)
            self.satellites[robot].greet()
        self.satellites[robot].used = self._clock.now()
        return self.satellites[robot]

    def _refuse(self, topic: str, why: str) -> None:
        """Count what is malformed, and say once what was wrong with it."""
        self.malformed += 1
        if why not in self._refused and len(self._refused) < 100:
            self._refused.add(why)
            self._say(f"A message on '{topic}' is ignored: {why}.")

    def _opened(self) -> list[Any]:
        self._greet()
        return []

    def _greet(self) -> None:
        for satellite in self.satellites.values():
            satellite.greet()


async def bridge(server: Server) -> None:
    """Serves robots and satellites until cancelled."""
    work = [asyncio.create_task(each) for each in (server.run(), Hermes(server).run())]
    await until_first_ends(work)


def _fields(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload[: messages.MAX_BYTES].decode("utf-8") or "{}")
    except (ValueError, RecursionError) as error:
        raise MalformedError("the message is no JSON") from error
    if not isinstance(found, dict):
        raise MalformedError("the message is no object")
    return found
