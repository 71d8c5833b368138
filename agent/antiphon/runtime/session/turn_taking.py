"""Turn taking: when the user's turn begins and ends, and what the models do for it.

When a turn may be over, the reply is prepared speculatively and held back until the end is certain.
If the user goes on, it is dropped without a trace. Cancellation is the worker's generation number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn
from antiphon.runtime import events
from antiphon.runtime.events import Event, State
from antiphon.runtime.frames import FRAME, FRAME_MS, RATE
from antiphon.runtime.options import Options
from antiphon.runtime.responders.responder import Responder
from antiphon.runtime.responders.worker import Failure, Judged, Output, Understood, Work, Worker
from antiphon.runtime.session.agent_turn import AgentTurn, Reason
from antiphon.runtime.session.asked_reply import AskedReply
from antiphon.runtime.session.given_texts import GivenTexts
from antiphon.runtime.session.memory import Memory
from antiphon.runtime.session.reply_jobs import ReplyJobs
from antiphon.runtime.session.speech_feed import SpeechFeed
from antiphon.runtime.session.user_turn import UserTurn
from antiphon.runtime.turns.frame_analysis import Analyzer, FrameAnalysis

INTERRUPTION_FRAMES = 900 // FRAME_MS
"""Speech stops a reply within this many frames of its onset, if it is an interruption."""
JUDGE_SILENCE = RATE // 5
"""Samples of silence after which the turn-end judge is queried; it was trained on 200 ms."""
HANG_OVER_FRAMES = 300 // FRAME_MS
"""Frames after a reply for which half duplex ignores the microphone, until the echo is gone."""


class TurnTaking:
    """The state machine of a conversation.

    Args:
        responder: understands and answers.
        options: of the conversation.
        analyzer: detects the user's turns and interruptions.
        work: runs the models.
        aside: runs the turn-end judge.
        seed: of all sampling.
        emit: takes the events.
    """

    def __init__(
        self,
        responder: Responder[Any],
        options: Options,
        analyzer: Analyzer,
        work: Worker,
        aside: Worker,
        seed: int,
        emit: Callable[[Event], None],
    ) -> None:
        self.at = 0
        """Samples of the microphone so far; the caller counts them."""
        self.pressed = False
        """Whether the push-to-talk button is held."""
        self.speech_feed = SpeechFeed(responder, work)
        self.memory = Memory(options.memory_tokens)
        self.agent_turn = AgentTurn(options.sample_rate, emit)
        self._jobs = ReplyJobs(responder, work, aside, seed)
        self._options, self._analyzer, self._emit = options, analyzer, emit
        self._turn: UserTurn | None = None
        self._missed_change: str | None = None
        """The last change of the user's turn while a reply was played."""
        self._deaf_until = 0
        self._given = GivenTexts(emit)
        self._asked = AskedReply()
        self.speech_feed.prepare(())

    @property
    def state(self) -> State:
        """What the agent is doing now."""
        if self.agent_turn.sounding or self.agent_turn.ending:
            return "speaking"
        turn = self._turn
        if turn and turn.turn_end is None:
            return "listening"
        if (turn and turn.text is None) or self._asked.prompt is not None:
            return "thinking"
        return "thinking" if self.agent_turn.waiting else "idle"

    @property
    def deaf(self) -> bool:
        """Whether the microphone is ignored except for the stop word and the button."""
        if self._options.mode == "half":
            return self.state == "speaking" or self.at < self._deaf_until
        return self._options.mode == "ptt"

    def say(self, text: str, name: str) -> None:
        """Speak a text as soon as the conversation is idle."""
        self._given.add(text, name, self.at)

    def configure(self, options: Options) -> None:
        """Behave otherwise from now on."""
        self._options = options
        self.memory.budget = options.memory_tokens
        self._analyzer.adapt(options)

    def remember(self, turns: Iterable[Turn], instructions: str) -> None:
        """Remember other turns than those that were said and heard."""
        self.memory.clear()
        self.memory.instructions = instructions
        for turn in turns:
            self.memory.add(turn)
        self._asked.forget()
        if self._jobs.reply is None:
            self.speech_feed.renew(self.memory.context())

    def respond(self, prompt: str) -> None:
        """Answer what the user said last as soon as it is nobody's turn."""
        self._asked.prompt = prompt

    def press(self, pressed: bool) -> None:
        """The button is pressed, or released."""
        if pressed and not self.pressed:
            if self.agent_turn.sounding:
                self.stop("button")
            elif self._turn is None:
                self._open_turn(0)
            elif self._turn.turn_end is not None or self._jobs.reply:
                self._retract_reply()
        elif self.pressed and not pressed:
            self._analyzer.forget_turn()
            if self._turn and self._turn.turn_end is None:
                self._end_turn()
        self.pressed = pressed

    def reset(self) -> None:
        """Start over with an empty history."""
        self.stop("command")
        self.agent_turn.forget()
        self._given.over("", self.at)
        self.memory.clear()
        self.speech_feed.prepare(())

    def take(self, generation: int | None, output: Output) -> None:
        """Take an output of the models."""
        reply, turn = self._jobs.reply, self._turn
        if isinstance(output, Judged):
            if self._jobs.is_newest(output):
                self._analyzer.judged("sound", output.log_odds)
        elif generation is None:
            self._emit(events.Failed(self.at, "hearing", str(getattr(output, "error", ""))))
            if turn and not reply:
                self._analyzer.forget_turn()
                self._turn = None
            self.speech_feed.prepare(self.memory.context())
        elif reply is None or generation != reply.generation:
            return
        elif isinstance(output, Understood):
            if turn:
                turn.text, turn.doubt, turn.understood = output.text, output.doubt, self.at
                turn.rate = output.rate
                if output.complete is not None:
                    self._analyzer.judged("hearing", output.complete)
                self._transcribe()
        elif isinstance(output, Speech):
            if turn and turn.first_piece is None and len(output.pcm):
                turn.first_piece = self.at
            reply.add(output)
        else:
            reply.complete = True
            if isinstance(output, Failure):
                self._emit(events.Failed(self.at, "reply", output.error))
                if turn and turn.text is None and not self._options.answer:
                    self._turn = self._jobs.reply = None
                    self.speech_feed.prepare(self.memory.context())

    def decide(self, sensed: FrameAnalysis) -> None:
        """Act on the analysis of a frame."""
        self.speech_feed.hear(sensed.clean)
        agent_turn = self.agent_turn
        stoppable = sensed.stop_word and (agent_turn.sounding or agent_turn.waiting)
        if stoppable and not agent_turn.is_saying("stop"):  # else its own loudspeaker is heard
            self.stop("stop word")
        elif self.pressed or agent_turn.ending:
            self._missed_change = sensed.change or self._missed_change
        elif agent_turn.sounding:
            self._follow_barge_in(sensed)
        else:
            self._follow_turn(sensed.change)
        turn = self._turn
        pausing = turn and not turn.turn_end and self._analyzer.silence == JUDGE_SILENCE
        if self._jobs.reply and pausing:
            self._jobs.judge(self._analyzer)
        longest = self._options.longest_turn * RATE
        if turn and turn.turn_end is None and self.at - turn.began > longest:
            self._analyzer.forget_turn()
            turn.cut = True
            self._end_turn()
        if self._given and self.state == "idle":
            self._speak(self._jobs.saying(self._given.begin()))
        elif self._asked.prompt is not None and not (turn or self.agent_turn.busy):
            self._speak(self._asked.begin(self.memory, self._jobs))

    def _follow_barge_in(self, sensed: FrameAnalysis) -> None:
        """Pause, resume or stop the reply that is being played."""
        self._missed_change = sensed.change or self._missed_change
        if sensed.barge == "pause":
            self._missed_change = None
            self.agent_turn.pause(self.at)
        elif sensed.barge == "resume":
            self._missed_change = None
            self._analyzer.forget_turn()
            self.agent_turn.resume(self.at)
        elif sensed.barge == "stop":
            self.stop("speech")

    def _follow_turn(self, change: str | None) -> None:
        """Follow the user's turn while nothing is played."""
        turn = self._turn
        if change == "start" and turn is None:
            if self.agent_turn.waiting:  # a given text that has not started yet can wait
                self._given.put_back()
                self._drop_reply()
            self._open_turn(self._analyzer.turn_frames)
        elif turn is None:
            return
        elif change == "resumed" or (change == "start" and turn.turn_end is not None):
            if not turn.cut:
                self._retract_reply()
        elif change == "soft":
            self._prepare_reply()
        elif change == "end":
            self._end_turn()

    def sound(self) -> NDArray[np.float32]:
        """The frame to play now; a reply that begins or ends in it is added to the history."""
        out = self.agent_turn.next(self.at)
        if self.agent_turn.began:
            self._reply_started()
        if self.agent_turn.finished:
            self._reply_finished(self.agent_turn.finished.text, self.agent_turn.finished.stopped)
        return out

    # The stages of a turn

    def _open_turn(self, frames: int) -> None:
        """The user's turn begins; `frames` frames of it have already arrived."""
        if self._asked.forget():  # there was no need to listen until now
            self.speech_feed.prepare(self.memory.context())
        self._turn = UserTurn(self.at)
        self.speech_feed.open(frames + self._options.preroll_ms // FRAME_MS)
        onset = max(0, self.at + FRAME - frames * FRAME)
        self._emit(events.SpeechStarted(self.at, onset))

    def _prepare_reply(self) -> None:
        """The turn may be over: prepare the reply speculatively."""
        turn = self._turn
        if turn is None:
            return
        turn.soft_end = self.at
        turn.speech_end = self.at + FRAME - self._analyzer.silence
        if self._analyzer.silence >= JUDGE_SILENCE:
            self._jobs.judge(self._analyzer)
        self.speech_feed.hold()
        answer = self.speech_feed.answer(self._jobs.seed, respond=self._options.answer)
        self._jobs.submit(answer)

    def _retract_reply(self) -> None:
        """The turn goes on: drop the reply that was prepared."""
        self._drop_reply()
        if self._turn:
            self._turn = UserTurn(self._turn.began)
        self.speech_feed.go_on()

    def _end_turn(self) -> None:
        """The turn is over: release the reply."""
        turn = self._turn
        if turn is None or turn.turn_end is not None:
            return
        if self._jobs.reply is None:
            self._prepare_reply()
        turn.turn_end = self.at
        self._emit(events.SpeechStopped(self.at, turn.speech_end or self.at))
        self._emit(events.TurnEnded(self.at))
        if self._jobs.reply is not None and self._options.answer:
            self.agent_turn.release(self._jobs.reply)
        self._missed_change = None
        self._transcribe()

    def _transcribe(self) -> None:
        """Emit the transcript once the turn has ended; a turn without speech is dropped."""
        turn = self._turn
        if turn is None or turn.turn_end is None or turn.text is None:
            return
        self._emit(events.Transcript(self.at, turn.text, turn.doubt, turn.rate))
        if not turn.text and turn.doubt in (None, "no speech"):
            self._drop_reply()
            self._turn = None
            self._analyzer.forget_turn()
            self.speech_feed.prepare(self.memory.context())
        elif not self._options.answer:
            self._keep_turn(turn)

    def _keep_turn(self, turn: UserTurn) -> None:
        """Remember a turn that is answered when `respond` is called."""
        self._asked.keep(turn, self.speech_feed.answer(self._jobs.seed))
        self._jobs.next_turn()
        if turn.text:
            self.memory.add(Turn("user", turn.text))
        self._turn = self._jobs.reply = None
        self._analyzer.forget_turn()

    def _speak(self, job: Work) -> None:
        """Have a reply made that is spoken as soon as it can be."""
        self.agent_turn.release(self._jobs.submit(job))

    def _reply_started(self) -> None:
        """The first sample of a reply was played: the user's turn becomes history."""
        turn, self._turn = self._turn, None
        if latency := self._asked.started(self.at):
            self._emit(latency)
        if turn is None or turn.turn_end is None:
            return
        self._jobs.next_turn()
        if turn.text:
            self.memory.add(Turn("user", turn.text))
        self._emit(turn.latency(self.at))

    def stop(self, reason: Reason) -> None:
        """Stop the reply, whether it is being played or prepared."""
        self._given.clear(self.at)
        self._asked.cancel()
        if not (self.agent_turn.sounding or self.agent_turn.ending):
            self._given.over("", self.at)
        self._missed_change = self._missed_change if reason == "speech" else None
        if reason in ("stop word", "command"):
            self._turn = None
            self._analyzer.forget_turn()
        if not self.agent_turn.sounding and reason != "button":
            self.speech_feed.prepare(self.memory.context())
        self.agent_turn.stop(self.at, reason)
        self._drop_reply()

    def _drop_reply(self) -> None:
        """Stop making and playing the reply."""
        self._jobs.drop()
        self.agent_turn.playback.stop()

    def _reply_finished(self, text: str, reason: Reason | None) -> None:
        """The reply is over: remember what was heard of it, and prepare for the next turn."""
        if text:
            self.memory.add(Turn("assistant", text))
        self._given.over(text, self.at)
        self._jobs.reply = self._turn = None
        self._deaf_until = self.at + HANG_OVER_FRAMES * FRAME
        self.speech_feed.prepare(self.memory.context())
        missed, self._missed_change = self._missed_change, None
        if self.pressed:
            self._open_turn(0)
        elif reason is None and self._analyzer.turn_frames > INTERRUPTION_FRAMES:
            self._analyzer.forget_turn()  # speech meant for the agent would have stopped it by now
        elif self._analyzer.in_turn and self._options.mode == "full":
            self._open_turn(self._analyzer.turn_frames)
            if missed == "soft":
                self._prepare_reply()
        elif missed == "end" and reason == "speech":
            self._open_turn(INTERRUPTION_FRAMES)
            self._end_turn()
