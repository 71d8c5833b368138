"""Everything a conversation makes of the microphone's frame before it decides anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.frames import FRAME, RATE, Frame, level_db
from antiphon.runtime.options import Options
from antiphon.runtime.turns.vad import PRE_ROLL, VoiceActivity

if TYPE_CHECKING:
    from antiphon.runtime.echo.canceller import EchoCanceller, EchoFrame
    from antiphon.runtime.turns.endpointing import Judge

Change = Literal["start", "soft", "resumed", "end"]
Verdict = Literal["pause", "stop", "resume"]
MAX_ECHO_SHARE = 0.5
"""Share of the agent's own sound from which a frame does not count as the user's speech."""
TAIL_FRAMES = 5
"""Frames of silence after which nothing is left in the resampler."""
MAX_WAITING = 2 * FRAME
"""Samples of the reference that wait at most when silence begins."""


@dataclass(frozen=True)
class FrameAnalysis:
    """What is known of a frame."""

    clean: Frame
    """[320] without the agent's own voice."""
    level_db: float = -100.0
    """How loud the microphone is, in dB of full scale."""
    change: Change | None = None
    """What the user's turn does."""
    barge: Verdict | None = None
    """What to do with the reply that is being played."""
    stop_word: bool = False
    """Whether "stop" was said."""


class Analyzer(Protocol):
    """What a conversation asks of its microphone; `FrameAnalyzer` is the one there is."""

    def step(self, mic: Frame, reference: Frame, *, speaking: bool, deaf: bool) -> FrameAnalysis:
        """Take a frame."""
        ...

    @property
    def in_turn(self) -> bool:
        """Whether the user has begun a turn and not ended it."""
        ...

    @property
    def silence(self) -> int:
        """Samples of silence since the last speech of the turn."""
        ...

    @property
    def turn_frames(self) -> int:
        """Frames of the turn so far."""
        ...

    def judge(self) -> Callable[[], float]:
        """A function that judges how complete the turn sounds, to be called in a worker."""
        ...

    def judged(self, judge: Judge, log_odds: float) -> None:
        """Take what that function returned, or a recognizer's opinion."""
        ...

    def forget_turn(self) -> None:
        """Drop the turn so far."""
        ...

    def adapt(self, options: Options) -> None:
        """Follow other options from the next frame on."""
        ...


class FrameAnalyzer:
    """Echo canceller, voice activity, endpointing, barge-in and stop word of one session.

    Args:
        options: of the conversation.
        canceller: removes the agent's own voice; None where there is none to remove.
    """

    def __init__(self, options: Options, canceller: EchoCanceller | None) -> None:
        from antiphon.runtime.turns.barge_in import BargeIn
        from antiphon.runtime.turns.endpointing import Endpointer
        from antiphon.runtime.turns.smart_turn import SmartTurn
        from antiphon.runtime.turns.stop_word import StopWord

        self._canceller = canceller
        self._vad = VoiceActivity()
        self._endpointer = Endpointer()
        self._barge_in = BargeIn()
        self._stop_word = StopWord() if options.stop_word else None
        self._smart_turn = SmartTurn()
        self.adapt(options)

    def adapt(self, options: Options) -> None:
        """Follow other options from the next frame on."""
        from antiphon.runtime.turns.endpointing import PATIENCE

        self._endpointer.patience = PATIENCE * options.patience
        self._judged = options.judge

    def step(self, mic: Frame, reference: Frame, *, speaking: bool, deaf: bool) -> FrameAnalysis:
        """Take a frame.

        Args:
            mic: [320] of the microphone.
            reference: [320] at 16 kHz, what the speaker has just been given.
            speaking: whether a reply is being played.
            deaf: whether only the stop word counts (half duplex).
        """
        echo = self._canceller.step(mic, reference) if self._canceller else unchanged(mic)
        activity = self._vad.step(echo.clean)
        if speaking and echo.own > MAX_ECHO_SHARE:
            activity = replace(activity, speech=False)
        stop = self._stop_word is not None and self._stop_word.step(mic)
        if deaf:
            self._endpointer.reset()
            return FrameAnalysis(echo.clean, activity.level_db, stop_word=stop)
        return FrameAnalysis(
            echo.clean,
            activity.level_db,
            self._endpointer.step(activity, echo.clean),
            self._barge_in.step(activity, echo, speaking),
            stop,
        )

    @property
    def in_turn(self) -> bool:
        """Whether the user has begun a turn and not ended it."""
        return self._endpointer.in_turn

    @property
    def silence(self) -> int:
        """Samples of silence since the last speech of the turn."""
        return round(self._endpointer.silence * RATE)

    @property
    def turn_frames(self) -> int:
        """Frames of the turn so far, without its pre-roll; at most eight seconds."""
        return max(0, len(self._endpointer.turn()) // FRAME - PRE_ROLL)

    def judge(self) -> Callable[[], float]:
        """A function that judges how complete the turn sounds, to be called in a worker."""
        turn: NDArray[np.float32] = self._endpointer.turn()
        return lambda: self._smart_turn.log_odds(turn)

    def judged(self, judge: Judge, log_odds: float) -> None:
        """Take the log odds of that function, or of the recognizer."""
        if self._judged:
            self._endpointer.judge(judge, log_odds)

    def forget_turn(self) -> None:
        """What was said so far is no turn."""
        self._endpointer.reset()


def unchanged(mic: Frame) -> EchoFrame:
    """A frame [320] in which there is nothing of the agent."""
    from antiphon.runtime.echo.canceller import EchoFrame

    return EchoFrame(mic, 0.0, level_db(mic))


class PlaybackReference:
    """What is played, at the microphone's rate and in its frames: for the echo canceller.

    Args:
        sample_rate: of what is played.
    """

    def __init__(self, sample_rate: int) -> None:
        from antiphon.runtime.audio.resampling import Resampler

        self._resample = Resampler(sample_rate, RATE)
        self._waiting = np.zeros(FRAME, np.float32)
        self._silent = TAIL_FRAMES

    def push(self, out: Frame) -> None:
        """Take a frame that was played; silence costs nothing."""
        self._silent = 0 if out.any() else self._silent + 1
        if self._silent < TAIL_FRAMES:
            self._waiting = np.concatenate([self._waiting, self._resample(out)])
        else:
            self._waiting = np.concatenate([self._waiting, np.zeros(FRAME, np.float32)])[
                -MAX_WAITING:
            ]

    def next(self) -> Frame:
        """[320] of it."""
        short = FRAME - len(self._waiting)
        if short > 0:
            self._waiting = np.concatenate([np.zeros(short, np.float32), self._waiting])
        frame, self._waiting = self._waiting[:FRAME], self._waiting[FRAME:]
        return frame
