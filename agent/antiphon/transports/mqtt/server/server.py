"""Many robots, one process: finds the conversation of each message and keeps the clock."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import antiphon
from antiphon.errors import UserError
from antiphon.runtime.clock import WallClock
from antiphon.runtime.frames import FRAME_MS, RATE
from antiphon.runtime.options import Options
from antiphon.transports.lifecycle import until_first_ends
from antiphon.transports.mqtt.server.announced_tools import tools_of
from antiphon.transports.mqtt.server.session import Session
from antiphon.transports.mqtt.wire import messages, topics
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.formats.negotiation import Formats, agree, have, named
from antiphon.transports.mqtt.wire.link import Link
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Hello, Status
from antiphon.transports.mqtt.wire.topics import SERVER, SERVER_STATUS, Topics

if TYPE_CHECKING:
    from antiphon.runtime.session.conversation import Conversation

KEEP_SECONDS = 600.0
"""Seconds a conversation is kept for a robot that is gone."""
MAX_ROBOTS = 64
"""Robots that are served at the same time."""
TICK_SECONDS = FRAME_MS / 1000


class Server:
    """Serves every robot at a broker.

    Args:
        broker: where.
        converse: makes the conversation of a robot.
        formats: of sound that it has; PCM at the rates of a conversation if None.
        most: robots at the same time.
        say: told in a sentence what a person at the terminal may want to know.
    """

    def __init__(
        self,
        broker: Broker,
        converse: Callable[[Session], Conversation],
        *,
        formats: Formats | None = None,
        max_robots: int = MAX_ROBOTS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.converse, self.max_robots, self.say = converse, max_robots, say
        self.sessions: dict[str, Session] = {}
        self.malformed: Counter[str] = Counter()
        """Messages that were dropped, by their topic's last part."""
        self.formats = formats or have(RATE, Options().sample_rate, opus="no")
        self._clock = WallClock()
        self._online: dict[str, bool] = {}
        self._active: set[str] = set()
        self._wake = asyncio.Event()
        self._session = secrets.randbits(32)
        self._hello_seen = self._outage_reported = False
        self._finished: asyncio.Future[None] | None = None
        self.link = Link(
            broker,
            identifier=f"antiphon-server-{self._session:08x}",
            topics=topics.for_server(),
            handle=self.handle,
            opened=self._opened,
            lost=self._lost,
            will=self._status_message("offline"),
        )

    async def run(self) -> None:
        """Serves until cancelled.

        Raises:
            UserError: The broker refuses user or password.
        """
        self._loop = asyncio.get_running_loop()
        self._finished = self._loop.create_future()
        work: list[asyncio.Future[None]] = [self._finished]
        work += [asyncio.create_task(self.link.run()), asyncio.create_task(self._tick())]
        work.append(asyncio.create_task(self._expire_sessions()))
        try:
            await until_first_ends(work)
        finally:
            for session in self.sessions.values():
                session.close()

    def handle(self, message: Incoming) -> None:
        """Takes a message of any robot; what is malformed is counted and dropped."""
        place = topics.split(message.topic)
        if place is None:
            return
        robot, leaf = place
        session = self.sessions.get(robot)
        try:
            if robot == SERVER:
                self._handle_server_status(messages.read(Status, message.payload), message.retained)
            elif leaf == "hello":
                self._handle_hello(robot, messages.read(Hello, message.payload), message.retained)
            elif leaf == "status":
                self._status(robot, messages.read(Status, message.payload), message.retained)
            elif session is not None and not message.retained:
                session.take(leaf, message)
                self._activate(robot)
        except MalformedError:
            self.malformed[leaf.rpartition("/")[2]] += 1
            if session is not None:
                session.malformed += 1
        except Exception as error:
            self._restart_session(robot, error)

    def _handle_server_status(self, status: Status, retained: bool) -> None:
        """Who came last is the server; the last will of one that was here before is not ours."""
        if status.session == self._session:
            self._hello_seen = True
        elif status.state == "offline" and self._hello_seen:
            self.link.send(self._status_message("online"))
        elif status.state == "online" and self._hello_seen and not retained:
            name = self.link.broker.name
            self._finish(UserError(f"Another server has begun at {name}: one is enough."))

    def _finish(self, error: UserError) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_exception(error)

    def _handle_hello(self, robot: str, hello: Hello, retained: bool) -> None:
        known = self.sessions.get(robot)
        wrong = None
        if not retained:
            self._online[robot] = True
        try:
            tools = ", ".join(tools_of(hello)) or "no tools"
        except UserError as error:
            wrong = str(error)
        up = agree(hello.audio_in, self.formats.up)
        down = agree(hello.audio_out, self.formats.down)
        if up is None or down is None:
            has = named(self.formats.up), named(self.formats.down)
            wrong = f"this server takes {has[0]} and gives {has[1]}."
        elif known is None and not self._make_room():
            wrong = f"this server serves {self.max_robots} robots, and all places are taken."
        if wrong or up is None or down is None:
            self.say(f"{robot} is refused: {wrong}")
            body = messages.event(0, self._ms(), {"event": "Refused", "error": wrong})
            self.link.send(Outgoing(Topics(robot)("event"), body, 1, expiry=10))
        elif known is None and self._online.get(robot, True):
            self.say(f"{robot} is here ({tools}).")
            self._open_session(robot, hello, (up, down))
        elif known is not None and not retained:
            known.update(hello, (up, down))
            self._send_snapshot(robot)

    def _open_session(self, robot: str, hello: Hello, formats: tuple[Format, Format]) -> None:
        self.sessions[robot] = Session(
            robot,
            hello,
            formats,
            self.converse,
            send=self.link.send,
            now=self._clock.now,
            call_soon=self._loop.call_soon_threadsafe,
        )
        self._send_snapshot(robot)

    def _restart_session(self, robot: str, error: Exception) -> None:
        """Restart a conversation that failed; the others go on."""
        session = self.sessions.pop(robot, None)
        said = f"{type(error).__name__}: {error}"
        self.say(f"The conversation with {robot} broke and begins anew ({said}).")
        if session is not None:
            session.close()
            self._open_session(robot, session.hello, session.formats)

    def _send_snapshot(self, robot: str) -> None:
        self.sessions[robot].send_snapshot()
        self._activate(robot)

    def _activate(self, robot: str) -> None:
        self._active.add(robot)
        self._wake.set()

    def _status(self, robot: str, status: Status, retained: bool) -> None:
        session = self.sessions.get(robot)
        if session is not None and status.session != session.hello.session:
            return  # of a robot that was here before, or of another one with the same name
        if len(self._online) > 16 * self.max_robots:
            self._online.clear()
        self._online[robot] = status.state == "online"
        if session is not None and status.state == "offline" and session.gone_since is None:
            self.say(f"{robot} is gone.")
            session.suspend()
            self._activate(robot)
        elif session is not None and status.state == "online" and not retained:
            self._send_snapshot(robot)

    def _make_room(self) -> bool:
        """Whether there is a place, if need be that of the robot that is gone the longest."""
        if len(self.sessions) < self.max_robots:
            return True
        gone_since = [
            (s.gone_since, name) for name, s in self.sessions.items() if s.gone_since is not None
        ]
        if not gone_since:
            return False
        self.sessions.pop(min(gone_since)[1]).close()
        return True

    def _opened(self) -> list[Outgoing]:
        self.say(f"Connected to {self.link.broker.name}.")
        self._outage_reported = False
        return [self._status_message("online")]

    def _lost(self, reason: str) -> None:
        if not self._outage_reported:
            name = self.link.broker.name
            self.say(f"The broker {name} is not to be reached ({reason}); trying again.")
        self._outage_reported, self._hello_seen = True, False
        for robot, session in self.sessions.items():
            session.suspend()
            self._activate(robot)

    def _status_message(self, state: Literal["online", "offline"]) -> Outgoing:
        body = Status(state, self._session, antiphon.__version__).body()
        return Outgoing(SERVER_STATUS, body, 1, retain=True)

    async def _tick(self) -> None:
        """One clock for all robots that have something to do; without any it stands still."""
        due = self._clock.now()
        while True:
            if not self._active:
                self._wake.clear()
                await self._wake.wait()
                due = self._clock.now()
            due = max(due + TICK_SECONDS, self._clock.now() - TICK_SECONDS)
            await asyncio.sleep(due - self._clock.now())
            for robot in list(self._active):
                session = self.sessions.get(robot)
                if session is None:
                    self._active.discard(robot)
                    continue
                try:
                    session.tick()
                except Exception as error:
                    self._restart_session(robot, error)
                if not session.active:
                    self._active.discard(robot)
                    session.report()

    async def _expire_sessions(self) -> None:
        """Ends conversations of robots that have been gone for long."""
        while True:
            await asyncio.sleep(KEEP_SECONDS / 10)
            for robot, session in list(self.sessions.items()):
                if (
                    session.gone_since is not None
                    and self._clock.now() - session.gone_since > KEEP_SECONDS
                ):
                    del self.sessions[robot]
                    session.close()

    def _ms(self) -> int:
        return round(1000 * self._clock.now())
