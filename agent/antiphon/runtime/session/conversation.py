"""A conversation in real time, driven by one call a frame.

    mic ─► analyzer ─► turn taking ─► speech feed ─► worker (models) ─► playback ─► speaker
             ▲                                                           │
             └─────────────── what was played, what was heard ◄──────────┘

`step` never blocks and never runs a language model. `turn_taking.py` decides whose turn it is.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn
from antiphon.runtime import events
from antiphon.runtime.events import Event, State
from antiphon.runtime.frames import FRAME, Frame, sixteen_bits
from antiphon.runtime.options import Options
from antiphon.runtime.recordings.recorder import NullRecorder, Recorder
from antiphon.runtime.responders.responder import Responder
from antiphon.runtime.responders.tempo_responder import TempoResponder
from antiphon.runtime.responders.worker import Output, Worker
from antiphon.runtime.session.turn_taking import TurnTaking
from antiphon.runtime.turns.frame_analysis import Analyzer, FrameAnalyzer, PlaybackReference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from antiphon.runtime.echo.canceller import EchoCanceller
    from antiphon.runtime.session.agent_turn import Reason
    from antiphon.runtime.session.playback import Span

log = logging.getLogger(__name__)

MAX_EVENTS = 10_000
"""Events kept if they are never taken."""
SILENCE = np.zeros(FRAME, np.float32)
SILENCE.flags.writeable = False
"""What is played where nobody removes it from the microphone."""


class Conversation:
    """One conversation.

    Args:
        responder: hears and answers.
        options: how to behave.
        canceller: removes the agent's own voice from the microphone; None: there is none in it.
        work: runs the models; belongs to this conversation.
        aside: runs the small judge of turn ends beside them; None: `work` does.
        seed: makes everything left to chance repeatable.
        analyzer: of the microphone; None: the real one.
        recorder: records everything.
    """

    def __init__(
        self,
        responder: Responder[Any],
        options: Options | None = None,
        *,
        canceller: EchoCanceller | None = None,
        work: Worker,
        aside: Worker | None = None,
        seed: int = 0,
        analyzer: Analyzer | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.options = options or Options()
        self.responder = responder
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        """What happened; to be taken from the left."""
        self.level_db = -100.0
        """How loud the microphone is."""
        self.muted = False
        self._workers = (work,) if aside is None else (work, aside)
        self._recorder: Recorder = recorder or NullRecorder()
        self._analyzer: Analyzer = analyzer or FrameAnalyzer(self.options, canceller)
        rate = self.options.sample_rate
        self._reference = None if canceller is None else PlaybackReference(rate)
        self._turns = TurnTaking(
            TempoResponder(responder, lambda: self.options.speed),
            self.options,
            self._analyzer,
            work,
            aside or work,
            seed,
            self._emit,
        )

    @property
    def at(self) -> int:
        """Samples of the microphone so far."""
        return self._turns.at

    @property
    def position(self) -> int:
        """Samples given to the speaker so far."""
        return self._turns.agent_turn.playback.position

    @property
    def state(self) -> State:
        """What the agent does just now."""
        return self._turns.state

    @property
    def sounding(self) -> bool:
        """Whether a reply has started and not ended; it may be paused."""
        return self._turns.agent_turn.sounding

    @property
    def interrupting(self) -> Reason | None:
        """What stopped a reply of which it is not known yet how much was heard."""
        return self._turns.agent_turn.interrupting

    @property
    def played(self) -> Span | None:
        """The samples of a reply that the last step gave; None: it gave none."""
        return self._turns.agent_turn.playback.last

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was really said and heard, as far back as it is remembered."""
        return self._turns.memory.turns

    @property
    def pressed(self) -> bool:
        """Whether the button is held."""
        return self._turns.pressed

    @property
    def underruns(self) -> int:
        """How often a reply ran dry in mid-speech."""
        return self._turns.agent_turn.playback.underruns

    @property
    def pending(self) -> int:
        """Jobs that the models have not finished."""
        return max(worker.pending for worker in self._workers)

    def step(self, mic: Frame) -> NDArray[np.float32]:
        """Take a frame of the microphone and give one to the speaker.

        Args:
            mic: [320] at 16 kHz; what is no number is silence.

        Returns:
            [N] of 20 ms at the codec's rate.
        """
        mic = sixteen_bits(mic)
        if self.muted:
            mic = np.zeros_like(mic)
        turns = self._turns
        for generation, output in self._made():
            turns.take(generation, output)
        sounding = turns.agent_turn.sounding
        reference = SILENCE if self._reference is None else self._reference.next()
        sensed = self._analyzer.step(mic, reference, speaking=sounding, deaf=turns.deaf)
        self.level_db = sensed.level_db
        turns.decide(sensed)
        out = turns.sound()
        if self.played is not None:
            out = sixteen_bits(out)
        if self._reference is not None:
            self._reference.push(out)
        self._recorder.frame(mic, out)
        if self._recorder.problem:
            problem, self._recorder = self._recorder.problem, NullRecorder()
            self._emit(events.Failed(self.at, "recording", problem))
        turns.at += FRAME
        return out

    def heard(self, samples: int, start: int | None = None) -> None:
        """Say how far the listener is in what `step` returned; without it, all of it is heard.

        Args:
            samples: of what was returned since the beginning.
            start: the sample since which nothing was lost; None: nothing was lost at all.
        """
        self._recorder.command("heard", samples if start is None else [samples, start])
        self._turns.agent_turn.playback.heard(samples, start)

    def dropped(self, samples: int | None = None) -> None:
        """Say that nothing behind the first `samples` samples will be heard: it was cleared.

        Args:
            samples: that were heard; None: those of which `heard` told.
        """
        self._recorder.command("dropped", samples)
        self._turns.agent_turn.playback.dropped(samples)

    def notice(self, event: Event) -> None:
        """Put an event of a device or a tool among the others, with this conversation's time.

        While a device is gone a reply waits, and goes on where the listener heard it last.
        """
        self._recorder.command("notice", events.to_json(event))
        if isinstance(event, (events.DeviceLost, events.DeviceBack)):
            self._turns.agent_turn.playback.hold(isinstance(event, events.DeviceLost))
        self._emit(replace(event, at=self.at))

    def say(self, text: str, name: str = "") -> None:
        """Speak a text as soon as the conversation is idle.

        Args:
            text: to be spoken.
            name: by which the event `Said` tells when that is over; without one, none does.
        """
        self._recorder.command("say", [text, name] if name else text)
        self._turns.say(text, name)

    def respond(self, prompt: str = "") -> None:
        """Answer what the user said or wrote last, as soon as it is nobody's turn.

        Args:
            prompt: is answered, and not remembered, if the user left nothing to answer.
        """
        self._recorder.command("respond", [prompt])
        self._turns.respond(prompt)

    def remember(self, turns: Iterable[Turn], instructions: str = "") -> None:
        """Remember these turns in place of all others.

        Args:
            turns: of user and assistant; what the user said last can be answered by `respond`.
            instructions: what the language model is told besides, before the conversation.
        """
        turns = list(turns)
        said = [[turn.role, turn.text] for turn in turns]
        self._recorder.command("remember", [said, instructions])
        self._turns.remember(turns, instructions)

    def configure(self, options: Options) -> None:
        """Behave otherwise from the next frame on; the sample rate stays."""
        options = replace(options, sample_rate=self.options.sample_rate)
        self._recorder.command("configure", [options.as_dict()])
        self.options = options
        self._turns.configure(options)

    def stop(self) -> None:
        """Be silent now, whatever was going on."""
        self._recorder.command("stop", None)
        self._turns.stop("command")

    def mute(self, muted: bool = True) -> None:
        """Hear nothing, or hear again."""
        self._recorder.command("mute", muted)
        if muted != self.muted:
            self.muted = muted
            self._emit(events.Muted(self.at, muted))

    def push_to_talk(self, pressed: bool) -> None:
        """The button is pressed, or released: exactly what is said in between is the turn."""
        self._recorder.command("push_to_talk", pressed)
        self._turns.press(pressed)

    def reset(self) -> None:
        """Start over with an empty history."""
        self._recorder.command("reset", None)
        self._turns.reset()

    def close(self) -> None:
        """End the conversation; the recording is complete."""
        for worker in self._workers:
            worker.close()
        self._recorder.close()

    def _made(self) -> Iterator[tuple[int | None, Output]]:
        """What the models have made since the last frame."""
        for worker in self._workers:
            for generation, output in worker.poll(self.at // FRAME):
                if isinstance(output, Speech):
                    output = replace(output, pcm=sixteen_bits(output.pcm))
                self._recorder.output(generation, output)
                yield generation, output

    def _emit(self, event: Event) -> None:
        log.debug("%s", event)
        self.events.append(event)
        self._recorder.event(event)
