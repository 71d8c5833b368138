"""The body: microphone, speaker and abilities here, the agent at the other end of MQTT.

Everything happens in one event loop. The device's thread only hands over frames, so no lock is
needed; tools run in threads of their own. Needs neither torch nor a language model.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

import antiphon
from antiphon.errors import UserError
from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.audio.file_device import EndOfFile
from antiphon.runtime.clock import WallClock
from antiphon.runtime.events import DeviceBack, DeviceLost, Event
from antiphon.runtime.frames import FRAME, RATE, Frame
from antiphon.tools import Result
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.robot.event_sentences import sentence_of
from antiphon.transports.mqtt.robot.heard_reports import HeardReports
from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor
from antiphon.transports.mqtt.robot.packetizer import Packetizer
from antiphon.transports.mqtt.robot.player import Player
from antiphon.transports.mqtt.robot.tool_runner import ToolRunner
from antiphon.transports.mqtt.robot.voice_gate import VoiceGate
from antiphon.transports.mqtt.wire import messages, packets
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats.negotiation import Formats, agree, have, named
from antiphon.transports.mqtt.wire.link import Link
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Call, Hello, State, Status, Stop
from antiphon.transports.mqtt.wire.topics import SERVER_STATUS, Topics, is_name, tool_of

MAX_BACKLOG_FRAMES = 25
"""Frames that may wait for the event loop."""


class Robot:
    """A body at a broker.

    Args:
        broker: where.
        name: of the robot.
        duplex: microphone and speaker.
        toolbox: what it can do.
        microphone: processes the microphone's frames.
        rate: samples a second of the voice.
        formats: of sound that it has; PCM if None.
        version: of MQTT, 5 or 3 (3.1.1).
        wait_for_agent: start the microphone only when the agent is online.
        say: told in a sentence what a person at the terminal may want to know.
        device_events: where the device puts its events.

    Raises:
        UserError: The robot cannot be called so.
    """

    def __init__(
        self,
        broker: Broker,
        name: str,
        duplex: Duplex,
        *,
        tool_runner: ToolRunner | None = None,
        microphone: MicrophoneProcessor | None = None,
        rate: int = 22_050,
        formats: Formats | None = None,
        version: Literal[3, 5] = 5,
        wait_for_agent: bool = False,
        say: Callable[[str], None] = lambda _: None,
        device_events: deque[Event] | None = None,
    ) -> None:
        if not is_name(name) or name == "server":
            raise UserError(f"A robot cannot be called '{name}': use letters, digits, - and _.")
        self.topics, self.tool_runner, self.microphone = (
            Topics(name),
            tool_runner or ToolRunner(),
            microphone or MicrophoneProcessor(),
        )
        self.say, self.malformed = say, 0
        self.state: State | None = None
        """What the agent does; None while there is none."""
        self.player = Player(duplex, rate)
        self._reports = HeardReports(self.player)
        self._device_events: deque[Event] = deque() if device_events is None else device_events
        self._duplex, self._clock, self._gate = duplex, WallClock(), VoiceGate()
        self._end = EndOfFile(duplex)
        self._session = secrets.randbits(32)
        self._server: int | None = None
        self._at = 0
        """Samples of the microphone so far."""
        self._formats = formats or have(RATE, rate, opus="no")
        self._packetizer: Packetizer | None = None
        """Of the microphone's sound; None: nothing is agreed upon."""
        self._hello_seen = self._outage_reported = False
        self._finished: asyncio.Future[None] | None = None
        self._ended, self._agent_ready = threading.Event(), threading.Event()
        if not wait_for_agent:
            self._agent_ready.set()
        self._frame_slots = threading.BoundedSemaphore(MAX_BACKLOG_FRAMES)
        self._hello = Hello(
            self._session,
            named(self._formats.up),
            named(self._formats.down),
            "properties" if version == 5 else "header",
            self.tool_runner.announcements(),
        )
        self.link = Link(
            broker,
            identifier=f"antiphon-{name}-{self._session:08x}",
            topics=self.topics.for_robot(),
            handle=self.handle,
            opened=self._opened,
            lost=self._lost,
            will=self._status_message("offline"),
            version=version,
        )

    async def run(self) -> None:
        """Lives until cancelled, or until the microphone ends.

        Raises:
            UserError: The broker refuses user or password, another robot has the same name, or the
                device cannot be opened.
        """
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        link = asyncio.create_task(self.link.run())
        listening = threading.Thread(target=self._listen, args=(loop,), daemon=True)
        listening.start()
        try:
            await asyncio.wait([link, self._finished], return_when=asyncio.FIRST_COMPLETED)
            for each in (self._finished, link):
                if each.done():
                    each.result()
        finally:
            self._ended.set()
            await end([link])
            await loop.run_in_executor(None, listening.join, 2.0)
            self.tool_runner.close()

    # The device's thread

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        end: BaseException | None = None
        try:
            with self._duplex:
                while not (self._agent_ready.wait(0.1) or self._ended.is_set()):
                    pass
                for frame in self._duplex:
                    while not self._frame_slots.acquire(timeout=0.1):
                        if self._ended.is_set():
                            break
                    if self._ended.is_set():
                        return
                    loop.call_soon_threadsafe(self._take, frame)
        except Exception as error:
            end = error
        loop.call_soon_threadsafe(self._finish, end)

    def _finish(self, error: BaseException | None = None) -> None:
        if self._finished is not None and not self._finished.done():
            if error is None:
                self._finished.set_result(None)
            else:
                self._finished.set_exception(error)

    # A frame of the microphone

    def _take(self, mic: Frame) -> None:
        self._frame_slots.release()
        while self._device_events:
            self._notice(self._device_events.popleft())
        out = self.player.step()
        if self.microphone.hears_stop(mic):
            self.halt("stop word")
        frame = self.microphone.step(mic, out, sounding=self.player.sounding)
        self._at += FRAME
        if self.state is None or self._packetizer is None or not self.link.connected:
            return
        frames = self._gate.step(frame, hold=self.state.state != "idle")
        hurry = not (self._gate.speech or self.state.state == "speaking")
        last, topic = not self._gate.open, self.topics("audio/in")
        for packet in self._packetizer.take(frames, self._at, self._ms(), hurry=hurry, last=last):
            self.link.send(sound(topic, packet, self._packetizer.format, self._hello.framing))
        self._report_heard()
        if self._end.step(self.state.state == "idle" and not self.player.sounding):
            self._finish()

    def _notice(self, event: Event) -> None:
        """A device is gone or back; what a speaker that is gone should have played is not heard."""
        if isinstance(event, DeviceLost):
            self.player.lose()
        elif isinstance(event, DeviceBack):
            self.player.mute = False

    def _report_heard(self, *, always: bool = False) -> None:
        """Say how far the listener is, if that is due."""
        speaks = self.state is not None and self.state.state == "speaking"
        for heard in self._reports.due(self._clock.now(), waited_for=speaks, always=always):
            self.link.send(Outgoing(self.topics("audio/heard"), heard.body()))

    # What arrives

    def handle(self, message: Incoming) -> None:
        """Takes a message; what is malformed is counted and dropped."""
        leaf = message.topic.removeprefix(self.topics(""))
        try:
            if message.topic == SERVER_STATUS:
                self._handle_server_status(messages.read(Status, message.payload), message.retained)
            elif leaf == "audio/out":
                self._handle_audio(message)
            elif leaf == "state":
                self._handle_state(messages.read(State, message.payload))
            elif leaf == "hello":
                self._handle_hello(messages.read(Hello, message.payload), message.retained)
            elif leaf == "status":
                self._handle_own_status(messages.read(Status, message.payload))
            elif message.retained:
                return
            elif leaf == "stop":
                stop = messages.read(Stop, message.payload)
                if stop.stream in (None, self.player.stream):
                    self._stop_body(stop)
            elif leaf == "event":
                if sentence := sentence_of(messages.fields_of("event", message.payload)):
                    self.say(sentence)
            elif tool := tool_of(leaf):
                self._handle_call(tool, messages.read(Call, message.payload))
        except MalformedError:
            self.malformed += 1

    def _handle_audio(self, message: Incoming) -> None:
        if self.player.format is None:
            raise MalformedError("nothing is agreed upon")
        told = message.content_type, message.properties
        packet = packets.read(message.payload, *told, self.player.format)
        if self.player.take(packet, self._clock.now()):
            self._report_heard(always=True)

    def _handle_state(self, state: State) -> None:
        """The agent does something else."""
        if state.session != self._session or self._server is None:
            return
        up = agree(state.audio_in, self._formats.up)
        down = agree(state.audio_out, self._formats.down)
        if up is None or down is None:
            raise MalformedError("that is no format of ours")
        if self._packetizer is None or state.stream != self.player.stream:
            self._packetizer = Packetizer(self._session, up)
            if (up, down) != (self._formats.up[0], self._formats.down[0]):
                self.say(f"The agent takes {up.content_type}, and gives {down.content_type}.")
        self.state = state
        self._agent_ready.set()
        self.player.follow(state.stream, down)
        self.player.fresh.late(state.sent, self._clock.now())
        if state.generation > self.player.generation:
            self.player.clear(state.generation)
            self._report_heard(always=True)

    def _handle_server_status(self, status: Status, retained: bool) -> None:
        """A server comes or goes."""
        if status.state == "online":
            if not retained:  # it has just come, and may not know us
                self.link.send(self._hello_message())
            if status.session != self._server:
                self._server = status.session
                self.say("The agent is there.")
        elif status.session == self._server:
            self._server = self.state = self._packetizer = None
            self.player.clear(self.player.generation)
            self.tool_runner.stop()
            self.say("The agent is gone.")

    def _handle_hello(self, hello: Hello, retained: bool) -> None:
        """A hello under our name: the last robot to send one owns the name."""
        if hello.session == self._session:
            self._hello_seen = True
        elif self._hello_seen and not retained:
            name = self.topics.robot
            error = f"Another robot is called '{name}', too: give each a name of its own with --id."
            self._finish(UserError(error))

    def _handle_own_status(self, status: Status) -> None:
        """The last will of one that was called like us is not ours."""
        if status.session != self._session and status.state == "offline" and self._hello_seen:
            self.link.send(self._status_message("online"))

    # Stop, and tools

    def halt(self, reason: str) -> None:
        """Stop sound and motion, and inform the agent."""
        self.link.send(Outgoing(self.topics("stop"), Stop(reason).body(), 1, expiry=60))
        self._stop_body(Stop(reason))

    def _stop_body(self, stop: Stop) -> None:
        self.tool_runner.stop()
        if stop.stream is None:
            self.player.silence()
        else:
            self.player.clear(max(stop.generation or 0, self.player.generation))
        self._report_heard(always=True)

    def _handle_call(self, tool: str, call: Call) -> None:
        if call.stream != self.player.stream or self._server is None:
            raise MalformedError("the call is of another stream")
        late = self.player.fresh.late(call.sent, self._clock.now())
        if self.tool_runner.call(
            tool, call, late, lambda call, done: self._answer(tool, call, done)
        ):
            given = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
            self.say(f"Tool: {tool}({given})")

    def _answer(self, tool: str, call: Call, done: Result) -> None:
        result = messages.Result(call.call, self._session, done.ok, done.value, done.error)
        self.link.send(Outgoing(self.topics.result(tool), result.body(), 1, expiry=30))

    # The line

    def _opened(self) -> list[Outgoing]:
        self._outage_reported = False
        self.say(f"Connected to {self.link.broker.name} as {self.topics.robot}.")
        return [self._status_message("online"), self._hello_message()]

    def _lost(self, reason: str) -> None:
        """Nothing that was on its way is spoken or done any more."""
        if not self._outage_reported:
            self.say(f"The broker is not to be reached ({reason}); trying again.")
            self.tool_runner.stop()
        self._outage_reported, self._hello_seen = True, False
        self._server = self.state = self._packetizer = None
        self.player.clear(self.player.generation)

    def _hello_message(self) -> Outgoing:
        return Outgoing(self.topics("hello"), self._hello.body(), 1, retain=True)

    def _status_message(self, state: Literal["online", "offline"]) -> Outgoing:
        body = Status(state, self._session, antiphon.__version__).body()
        return Outgoing(self.topics("status"), body, 1, retain=True)

    def _ms(self) -> int:
        return round(1000 * self._clock.now())
