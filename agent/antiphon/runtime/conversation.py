"""A conversation in real time, driven by one call a frame.

    mic ─► senses ─► turns ─► listener ─► worker (models) ─► reply ─► playback ─► speaker
             ▲                                                           │
             └─────────────── what was played, what was heard ◄──────────┘

`step` never waits and never runs a language model. A turn that may be over is answered on trust:
the reply is made and held back until the end is sure, and taken back without a trace if the user
goes on. Cancellation is the worker's generation number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn
from antiphon.runtime import events as happened
from antiphon.runtime.events import Event, State
from antiphon.runtime.frames import FRAME, FRAME_MS, RATE, Frame
from antiphon.runtime.listener import Listener
from antiphon.runtime.memory import Memory
from antiphon.runtime.mind import Cancelled, Mind
from antiphon.runtime.options import Options
from antiphon.runtime.playback import Reply
from antiphon.runtime.senses import Reference, Sensed, Senses
from antiphon.runtime.speaking import Reason, Speaking
from antiphon.runtime.tape import NoTape, Tape
from antiphon.runtime.worker import Failure, Judged, Output, Understood, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from antiphon.runtime.echo import EchoCanceller

ONSET = 900 // FRAME_MS
"""Frames between the onset of speech and the stop of a reply that it interrupts, at most."""
HANG_OVER = 300 // FRAME_MS
"""Frames that half duplex stays deaf after a reply, until its echo has died away."""
KEPT_EVENTS = 10_000
"""Events kept for who never takes them."""


@dataclass
class Asking:
    """The user's turn while it is spoken, and until its answer sounds."""

    began: int
    """When its speech was noticed; this and the others in samples of the microphone."""
    speech_end: int | None = None
    soft_end: int | None = None
    turn_end: int | None = None
    understood: int | None = None
    first_piece: int | None = None
    text: str | None = None
    """What was understood."""
    cut: bool = False
    """Whether it was ended for being too long."""


class Conversation:
    """One conversation.

    Args:
        mind: hears and answers.
        options: how to behave.
        canceller: removes the agent's own voice from the microphone; None: there is none in it.
        work: runs the models; belongs to this conversation.
        aside: runs the small judge of turn ends beside them; None: `work` does.
        seed: makes everything left to chance repeatable.
        senses: what is made of the microphone; None: the real ones.
        tape: takes down everything.
    """

    def __init__(
        self,
        mind: Mind[Any],
        options: Options | None = None,
        *,
        canceller: EchoCanceller | None = None,
        work: Worker,
        aside: Worker | None = None,
        seed: int = 0,
        senses: Senses | None = None,
        tape: Tape | None = None,
    ) -> None:
        self.options = options or Options()
        self.at = 0
        """Samples of the microphone so far."""
        self.events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        """What happened; to be taken from the left."""
        self.level_db = -100.0
        """How loud the microphone is."""
        self.muted = False
        self._mind, self._work, self._aside, self._seed = mind, work, aside or work, seed
        self._tape: Tape = tape or NoTape()
        self._senses = senses or Senses(self.options, canceller)
        self._reference = Reference(self.options.sample_rate)
        self._speaking = Speaking(self.options.sample_rate, self._tell)
        self._listener = Listener(mind, work)
        self._memory = Memory(self.options.memory_tokens)
        self._generation = 0
        self._turns = 0
        self._judging = 0
        self._asking: Asking | None = None
        self._reply: Reply | None = None
        """The reply being made."""
        self._missed: str | None = None
        """What the user's turn did while a reply was played."""
        self._deaf_until = 0
        self.pressed = False
        """Whether the button is held."""
        self._to_say: deque[str] = deque(maxlen=100)
        self._saying = ""
        """The given text that is being spoken."""
        self._listener.prepare(())

    @property
    def state(self) -> State:
        """What the agent does just now."""
        if self._speaking.sounding or self._speaking.leaving:
            return "speaking"
        if self._asking and self._asking.turn_end is None:
            return "listening"
        return "thinking" if self._speaking.waiting else "idle"

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was really said and heard, as far back as it is remembered."""
        return self._memory.turns

    @property
    def underruns(self) -> int:
        """How often a reply ran dry in mid-speech."""
        return self._speaking.playback.underruns

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
        for generation, output in self._made(self.at // FRAME):
            if isinstance(output, Speech):
                output = replace(output, pcm=sixteen_bits(output.pcm))
            self._tape.output(generation, output)
            self._take(generation, output)
        reference = self._reference.next()
        sensed = self._senses.step(
            mic, reference, speaking=self._speaking.sounding, deaf=self._deaf
        )
        self.level_db = sensed.level_db
        self._listener.hear(sensed.clean)
        self._decide(sensed)
        out = sixteen_bits(self._speaking.next(self.at))
        if self._speaking.began:
            self._answered()
        if self._speaking.left:
            self._left(self._speaking.left.text, self._speaking.left.stopped)
        self._reference.push(out)
        self._tape.frame(mic, out)
        if self._tape.problem:
            self._tell(happened.Failed(self.at, "recording", self._tape.problem))
            self._tape = NoTape()
        self.at += FRAME
        return out

    def heard(self, samples: int) -> None:
        """Say how far the listener is in what `step` returned; without it, all of it is heard."""
        self._tape.command("heard", samples)
        self._speaking.playback.heard(samples)

    def dropped(self, samples: int) -> None:
        """Say that nothing behind the first `samples` samples will be heard: it was cleared."""
        self._tape.command("dropped", samples)
        self._speaking.playback.dropped(samples)

    def notice(self, event: Event) -> None:
        """Put an event of a device among the others, with this conversation's time.

        While a device is gone a reply waits, and goes on where the listener heard it last.
        """
        self._tape.command("notice", happened.to_json(event))
        playback = self._speaking.playback
        if isinstance(event, happened.DeviceLost):
            playback.pause()
            playback.dropped()
        elif isinstance(event, happened.DeviceBack):
            playback.resume()
        self._tell(replace(event, at=self.at))

    def say(self, text: str) -> None:
        """Speak a text as soon as nobody speaks."""
        self._tape.command("say", text)
        self._to_say.append(text)

    def stop(self) -> None:
        """Be silent now, whatever was going on."""
        self._tape.command("stop", None)
        self._stop("command")

    def mute(self, muted: bool = True) -> None:
        """Hear nothing, or hear again."""
        self._tape.command("mute", muted)
        if muted != self.muted:
            self.muted = muted
            self._tell(happened.Muted(self.at, muted))

    def push_to_talk(self, pressed: bool) -> None:
        """The button is pressed, or released: exactly what is said in between is the turn."""
        self._tape.command("push_to_talk", pressed)
        if pressed and not self.pressed:
            if self._speaking.sounding:
                self._stop("button")
            elif self._asking is None:
                self._open(0)
            elif self._asking.turn_end is not None or self._reply:
                self._take_back()
        elif self.pressed and not pressed:
            self._senses.forget_turn()
            if self._asking and self._asking.turn_end is None:
                self._end_turn()
        self.pressed = pressed

    def reset(self) -> None:
        """Begin anew: nobody has said anything yet."""
        self._tape.command("reset", None)
        self._stop("command")
        self._speaking.forget()
        self._memory.clear()
        self._listener.prepare(())

    def close(self) -> None:
        """End the conversation; the recording is complete."""
        self._work.close()
        if self._aside is not self._work:
            self._aside.close()
        self._tape.close()

    # What happens in a frame

    @property
    def _deaf(self) -> bool:
        """Whether only the stop word and the button count."""
        if self.options.mode == "half":
            return self.state == "speaking" or self.at < self._deaf_until
        return self.options.mode == "ptt"

    def _made(self, frame: int) -> Iterator[tuple[int | None, Output]]:
        yield from self._work.poll(frame)
        if self._aside is not self._work:
            yield from self._aside.poll(frame)

    def _take(self, generation: int | None, output: Output) -> None:
        """Take what the models have made."""
        reply, asking = self._reply, self._asking
        if isinstance(output, Judged):
            if output.number == self._judging:
                self._senses.judged(output.probability)
        elif generation is None:
            self._tell(happened.Failed(self.at, "hearing", str(getattr(output, "error", ""))))
            if asking and not reply:
                self._senses.forget_turn()
                self._asking = None
            self._listener.prepare(self._memory.context())
        elif reply is None or generation != reply.generation:
            return
        elif isinstance(output, Understood):
            if asking:
                asking.text, asking.understood = output.text, self.at
                self._transcribe()
        elif isinstance(output, Speech):
            if asking and asking.first_piece is None and len(output.pcm):
                asking.first_piece = self.at
            reply.add(output)
        else:
            reply.complete = True
            if isinstance(output, Failure):
                self._tell(happened.Failed(self.at, "reply", output.error))

    def _decide(self, sensed: Sensed) -> None:
        speaking = self._speaking
        own = speaking.saying("stop")  # the agent's own word, out of its loudspeaker
        if sensed.stop_word and not own and (speaking.sounding or speaking.waiting):
            self._stop("stop word")
        elif self.pressed or speaking.leaving:
            self._missed = sensed.change or self._missed
        elif speaking.sounding:
            self._weigh(sensed)
        else:
            self._follow(sensed.change)
        asking = self._asking
        longest = self.options.longest_turn * RATE
        if asking and asking.turn_end is None and self.at - asking.began > longest:
            self._senses.forget_turn()
            asking.cut = True
            self._end_turn()
        if self._to_say and self.state == "idle":
            self._speak(self._to_say.popleft())

    def _weigh(self, sensed: Sensed) -> None:
        """Decide about an interruption while a reply is played."""
        self._missed = sensed.change or self._missed
        if sensed.barge == "pause":
            self._missed = None
            self._speaking.pause(self.at)
        elif sensed.barge == "resume":
            self._missed = None
            self._senses.forget_turn()
            self._speaking.resume(self.at)
        elif sensed.barge == "stop":
            self._stop("speech")

    def _follow(self, change: str | None) -> None:
        """Take turns while nothing is played."""
        asking = self._asking
        if change == "start" and asking is None:
            if self._speaking.waiting:  # a given text has not begun to sound: it can wait
                self._to_say.appendleft(self._saying)
                self._drop_reply()
            self._open(self._senses.turn_frames)
        elif asking is None:
            return
        elif change == "resumed" or (change == "start" and asking.turn_end is not None):
            if not asking.cut:
                self._take_back()
        elif change == "soft":
            self._answer()
        elif change == "end":
            self._end_turn()

    # What a turn goes through

    def _open(self, frames: int) -> None:
        """A turn of the user begins; `frames` frames of it are there already."""
        self._asking = Asking(self.at)
        self._listener.open(frames + self.options.preroll_ms // FRAME_MS)
        onset = max(0, self.at + FRAME - frames * FRAME)
        self._tell(happened.SpeechStarted(self.at, onset))

    def _answer(self) -> None:
        """Begin to answer, on trust."""
        asking = self._asking
        if asking is None:
            return
        asking.soft_end = self.at
        asking.speech_end = self.at + FRAME - self._senses.silence
        self._judging += 1
        judge, number = self._senses.judge(), self._judging

        def judging(cancelled: Cancelled) -> Iterator[Output]:
            yield Judged(judge(), number)

        self._aside.submit(judging)
        self._listener.hold()
        self._reply = Reply(self._next_generation())
        self._work.submit(self._listener.answer(self._seed + self._turns), self._generation)

    def _take_back(self) -> None:
        """The turn goes on: nobody will ever know of the answer."""
        self._drop_reply()
        if self._asking:
            self._asking = Asking(self._asking.began)
        self._listener.go_on()

    def _end_turn(self) -> None:
        """The turn is over: release the answer."""
        asking = self._asking
        if asking is None or asking.turn_end is not None:
            return
        if self._reply is None:
            self._answer()
        asking.turn_end = self.at
        self._tell(happened.SpeechStopped(self.at, asking.speech_end or self.at))
        self._tell(happened.TurnEnded(self.at))
        if self._reply is not None:
            self._speaking.release(self._reply)
        self._missed = None
        self._transcribe()

    def _transcribe(self) -> None:
        """Tell what was understood, once the turn has ended; without words there is no turn."""
        asking = self._asking
        if asking is None or asking.turn_end is None or asking.text is None:
            return
        self._tell(happened.Transcript(self.at, asking.text))
        if not asking.text:
            self._drop_reply()
            self._asking = None
            self._senses.forget_turn()
            self._listener.prepare(self._memory.context())

    def _speak(self, text: str) -> None:
        """Speak a given text."""
        mind = self._mind

        def saying(cancelled: Cancelled) -> Iterator[Output]:
            yield from mind.say(text, cancelled=cancelled)

        self._saying = text
        self._reply = Reply(self._next_generation())
        self._work.submit(saying, self._generation)
        self._speaking.release(self._reply)

    def _answered(self) -> None:
        """The first sample of a reply has just been handed out: the user's turn is history."""
        asking, self._asking = self._asking, None
        if asking is None or asking.turn_end is None:
            return
        self._turns += 1
        self._memory.add(Turn("user", asking.text or ""))
        self._tell(
            happened.Latency(
                self.at,
                speech_end=asking.speech_end or asking.turn_end,
                soft_end=asking.soft_end,
                turn_end=asking.turn_end,
                understood=asking.understood,
                first_piece=asking.first_piece,
                first_sound=self.at,
            )
        )

    def _stop(self, reason: Reason) -> None:
        """Stop whatever is being said or thought of."""
        self._to_say.clear()
        self._missed = self._missed if reason == "speech" else None
        if reason in ("stop word", "command"):
            self._asking = None
            self._senses.forget_turn()
        if not self._speaking.sounding and reason != "button":
            self._listener.prepare(self._memory.context())
        self._speaking.stop(self.at, reason)
        self._drop_reply()

    def _drop_reply(self) -> None:
        """Nothing more of the reply is made or played."""
        self._next_generation()
        self._reply = None
        self._speaking.playback.stop()

    def _left(self, text: str, reason: Reason | None) -> None:
        """A reply is over: remember what was heard of it, and get ready for the next turn."""
        if text:
            self._memory.add(Turn("assistant", text))
        self._reply = self._asking = None
        self._deaf_until = self.at + HANG_OVER * FRAME
        self._listener.prepare(self._memory.context())
        missed, self._missed = self._missed, None
        if self.pressed:
            self._open(0)
        elif self._senses.in_turn and self.options.mode == "full":
            self._open(self._senses.turn_frames)
            if missed == "soft":
                self._answer()
        elif missed == "end" and reason == "speech":
            self._open(ONSET)
            self._end_turn()

    def _next_generation(self) -> int:
        self._generation += 1
        self._work.generation = self._generation
        return self._generation

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._tape.event(event)


def sixteen_bits(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as a 16-bit file holds them, so that a recording is what was really there.

    Args:
        pcm: [N]; what is no number is silence, what exceeds full scale is clipped.
    """
    numbers = np.asarray(pcm, np.float32) * np.float32(32768)
    if not np.isfinite(numbers.sum()):
        numbers = np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)
    np.rint(numbers, out=numbers)
    return np.clip(numbers, -32768, 32767, out=numbers) / np.float32(32768)
