"""One robot's conversation, as the server sees it.

The robot's microphone is the clock: a frame that arrives makes the conversation take a step, so
that nothing waits. While none arrive, the server's tick takes the steps.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np

from antiphon.runtime.events import Event, Interrupted, Paused, ToolCalled, to_json
from antiphon.runtime.frames import FRAME, Frame
from antiphon.tools import Call, Result
from antiphon.tools.phrases import described
from antiphon.transports.mqtt.server.announced_tools import tools_of
from antiphon.transports.mqtt.server.downlink import Downlink
from antiphon.transports.mqtt.server.jitter_buffer import Frames, JitterBuffer
from antiphon.transports.mqtt.server.pending_calls import PendingCalls, settle
from antiphon.transports.mqtt.server.rate_limit import RateLimit
from antiphon.transports.mqtt.server.voice_sender import VoiceSender
from antiphon.transports.mqtt.wire import messages, packets
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Cmd, Heard, Hello, Metrics, State, Stop
from antiphon.transports.mqtt.wire.topics import tool_of

if TYPE_CHECKING:
    from antiphon.runtime.session.conversation import Conversation

LEAD_FRAMES = 4
"""Frames a reply is ahead of the clock: the robot's buffer is filled without waiting for it."""
RESUME_SECONDS = 3.0
"""Seconds a reply waits for a robot that is gone before it is stopped."""
LINGER_SECONDS = 1.0
"""Seconds after the last packet that an idle conversation still counts as active."""
CALL_SECONDS = 30.0
"""Seconds in which a tool must have answered."""


class Session:
    """One robot's conversation.

    Args:
        robot: its id.
        hello: what it can do.
        formats: of sound from the robot and to it, as agreed upon.
        converse: makes the conversation, given this session for its tools.
        send: takes what is to be sent.
        now: seconds on the server's clock.
        soon: runs a function in the thread of the session.
    """

    def __init__(
        self,
        robot: str,
        hello: Hello,
        formats: tuple[Format, Format],
        converse: Callable[[Session], Conversation],
        *,
        send: Callable[[Outgoing], object],
        now: Callable[[], float],
        call_soon: Callable[..., object],
    ) -> None:
        self.robot, self.hello = robot, hello
        self.formats = formats
        self.malformed = 0
        """Messages that were dropped because they are not what they should be."""
        self.gone_since: float | None = None
        """When the robot went offline, in seconds; None: it is online."""
        self._downlink = Downlink(robot, send, now)
        self._now, self._call_soon = now, call_soon
        self._calls = PendingCalls()
        self._pending_turn_calls: deque[tuple[Call, Future[Result]]] = deque()
        """Calls of a turn that may go on."""
        self._command_limit = RateLimit(20, 40)
        self._report_limit = RateLimit(100, 200)  # a report for every frame, twice
        self.tools = tools_of(hello)
        """What the robot can do, by name."""
        self._last: Frame = np.zeros(FRAME, np.float32)
        self._sounding = False
        self.conversation = converse(self)
        self._reset_streams()

    @property
    def active(self) -> bool:
        """Whether there is anything to do for this robot."""
        recent = self._now() - self._in.arrived < LINGER_SECONDS
        waiting = len(self._calls) + len(self._pending_turn_calls)
        return recent or bool(waiting) or self.conversation.state != "idle"

    # The robot comes and goes

    def update(self, hello: Hello, formats: tuple[Format, Format]) -> None:
        """The robot introduces itself again, maybe after a restart."""
        tools = tools_of(hello)
        known, self.hello, self.tools = self.hello, hello, tools
        if known.session != hello.session:
            self.formats = formats
            self._cancel("the robot was started anew")
            self.conversation.dropped()
            self.conversation.stop()
            self._reset_streams()

    def send_snapshot(self) -> None:
        """Tell the robot where it stands."""
        self.gone_since = None
        self._downlink.repeat_state()
        self._publish_state()
        talk = self.conversation
        snapshot = {"event": "Snapshot", "state": talk.state, "muted": talk.muted}
        self._downlink.event(self._out.stream, {**snapshot, "turns": len(talk.history)})

    def suspend(self) -> None:
        """The line or the robot is gone: nothing on its way is heard."""
        if self.gone_since is None:
            self.gone_since = self._now()
            self._cancel("the robot is gone")
            self._out.generation += 1
            self._out.drop()
            self._sounding = False

    def _reset_streams(self) -> None:
        up, down = self.formats
        self._in = JitterBuffer(self.hello.session, up)
        self._out = VoiceSender(secrets.randbits(32), down, self.conversation)
        self._sounding = False

    # What the robot says

    def take(self, leaf: str, message: Incoming) -> None:
        """A message of the robot.

        Raises:
            MalformedError: It is not what its topic promises.
        """
        payload = message.payload
        if leaf == "audio/in":
            told = message.content_type, message.properties
            packet = packets.read(payload, *told, self._in.format)
            self._steps(self._in.take(packet, self._now()))
        elif leaf == "stop":
            self._handle_stop(messages.read(Stop, payload))
        elif not self._limit(leaf).spend(1, self._now()):
            raise MalformedError("these are too many messages")
        elif leaf == "audio/heard":
            self._out.heard(messages.read(Heard, payload), self._now())
            self._publish_state()
        elif leaf == "cmd":
            self._handle_command(messages.read(Cmd, payload))
            self._downlink.confirm(message)
        elif tool := tool_of(leaf):
            result = messages.read(messages.Result, payload)
            mine = result.session == self.hello.session
            if not mine or not self._calls.result(tool, result):
                raise MalformedError("nobody asked for this result")

    def _limit(self, leaf: str) -> RateLimit:
        return self._report_limit if leaf == "audio/heard" else self._command_limit

    def _handle_command(self, cmd: Cmd) -> None:
        talk = self.conversation
        if cmd.cmd == "say":
            if not (cmd.text and cmd.text.strip()):
                raise MalformedError("there is nothing to say")
            talk.say(cmd.text, cmd.name or "")
        elif cmd.cmd == "stop":
            self.stop("command")
        elif cmd.cmd in ("mute", "unmute"):
            talk.mute(cmd.cmd == "mute")
        elif cmd.cmd in ("press", "release"):
            talk.push_to_talk(cmd.cmd == "press")
        else:
            talk.reset()
        self._step_once()

    def _handle_stop(self, stop: Stop) -> None:
        """Somebody wrote on the topic `stop`; the robot has read it, too."""
        if stop.stream is None:  # else it was us
            generation = self._out.generation
            self._cancel("the robot was stopped")
            if self.conversation.state != "idle":
                self.conversation.stop()
                self._step_once()
            if self._out.generation == generation:  # the robot plays nothing more of this one
                self._out.generation += 1
                self._publish_state()

    def stop(self, reason: str) -> None:
        """Stop the agent, and the robot with it."""
        self._cancel("the robot was stopped")
        self.conversation.stop()
        self._downlink.stop(Stop(reason, self._out.generation, self._out.stream))

    # Tools

    def execute(self, call: Call) -> Future[Result]:
        """Use a tool of the robot; may be called in any thread.

        The call leaves when the user's turn is over, not when it only seems to be; it never leaves
        if it is cancelled before.
        """
        future: Future[Result] = Future()
        self._call_soon(self._execute, call, future)
        return future

    def _execute(self, call: Call, future: Future[Result]) -> None:
        self._pending_turn_calls.append((call, future))
        self._start_calls()

    def _start_calls(self) -> None:
        """Begin the calls that are wanted for sure."""
        while self._pending_turn_calls and self.conversation.state != "listening":
            call, future = self._pending_turn_calls.popleft()
            if future.cancelled():
                continue
            if self.conversation.state == "idle":
                settle(future, Result(False, error="nobody wants it any more"))
            elif call.name not in self.tools:
                settle(future, Result(False, error=f"the robot has no tool '{call.name}'"))
            elif self.gone_since is not None:
                settle(future, Result(False, error="the robot is gone"))
            elif self._calls.add(call, future, self._now() + CALL_SECONDS):
                self._show_call(call)
                self._downlink.call(call, self._out.stream)

    def _cancel(self, reason: str) -> None:
        """No call is wanted any more."""
        self._calls.cancel(reason)
        while self._pending_turn_calls:
            settle(self._pending_turn_calls.popleft()[1], Result(False, error=reason))

    def _show_call(self, call: Call) -> None:
        """Say what was understood before it is done."""
        told = described(self.tools[call.name], call)
        self.conversation.notice(ToolCalled(0, call.name, json.dumps(call.arguments), told))
        self._emit_events()

    # Time passes

    def tick(self) -> None:
        """A frame's time has passed; to be called every 20 ms while active."""
        now = self._now()
        self._calls.expire(now)
        self._start_calls()
        if self.gone_since is not None:
            if now - self.gone_since > RESUME_SECONDS and self.conversation.state != "idle":
                self.conversation.stop()
                self._step_once()
                self._out.drop()  # nobody is there to say what was heard
            return
        if self._out.lost(now):
            self.suspend()
            self.conversation.stop()
            self.send_snapshot()
        if self._in.overdue(now) and self.conversation.state != "idle":
            self._steps(self._in.fill())

    def report(self) -> None:
        """Say how the stream did."""
        source, out = self._in, self._out
        counts = source.received, source.late, self.malformed, source.filled, out.packets
        self._downlink.metrics(Metrics(out.stream, *counts))

    def close(self) -> None:
        """The robot will not come back."""
        self._cancel("the server ends")
        self.conversation.close()

    # Steps of the conversation

    def _step_once(self) -> None:
        """Take a step even if no sound arrives, so that what was asked for is begun."""
        self._steps(np.zeros((1, FRAME), np.float32))

    def _steps(self, frames: Frames) -> None:
        for frame in frames:
            self._last = frame
            self._step(frame)
        if not len(frames):
            return
        for packet in self._out.take(self._now()):
            self._downlink.sound(packet, self._out.format, self.hello.framing)
        self._out.settle()
        self._start_calls()
        self._publish_state()

    def _step(self, frame: Frame) -> None:
        sounds = self._out.add(self.conversation.step(frame))
        begins = sounds and not self._sounding
        self._sounding = sounds or (self._sounding and self.conversation.state == "speaking")
        self._emit_events()
        if begins:
            for _ in range(LEAD_FRAMES):
                self._step(self._last)

    def _emit_events(self) -> None:
        while self.conversation.events:
            self._emit(self.conversation.events.popleft())

    def _emit(self, event: Event) -> None:
        self._downlink.event(self._out.stream, to_json(event))
        if isinstance(event, Paused):
            self._out.ask(self._now())
            self._sounding = False
            self._publish_state()
        elif isinstance(event, Interrupted) and event.reason == "stop word":
            self.stop(event.reason)

    def _publish_state(self) -> None:
        talk, out = self.conversation, self._out
        told = talk.state, self.hello.session, out.stream, out.generation, talk.muted
        up, down = (each.content_type for each in self.formats)
        self._downlink.state(State(*told, sent=0, audio_in=up, audio_out=down))
