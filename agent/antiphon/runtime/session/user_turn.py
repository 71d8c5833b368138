"""The user's turn, from its first sound until its answer sounds."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.messages import Doubt
from antiphon.runtime.events import Latency


@dataclass
class UserTurn:
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
    doubt: Doubt | None = None
    """Why nothing was, or is not believed."""
    rate: int | None = None
    """At which rate it was heard, if the recognizer has several."""
    cut: bool = False
    """Whether it was ended for being too long."""

    def latency(self, now: int) -> Latency:
        """Where the time went until its answer sounded, which is now."""
        end = self.turn_end or now
        return Latency(
            now,
            speech_end=self.speech_end or end,
            soft_end=self.soft_end,
            turn_end=end,
            understood=self.understood,
            first_piece=self.first_piece,
            first_sound=now,
        )
