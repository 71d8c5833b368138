"""What a conversation asks of the models behind it; `agent_mind.py` has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Doubt, Speech, Turn

Cancelled = Callable[[], bool]
"""Called by the models between two small steps; True: stop, the rest is not needed."""


H = TypeVar("H", bound="SpeechStream")
"""The hearings of a responder: it is given back those it made."""


class TurnTranscript(Protocol):
    """What was understood of a turn."""

    @property
    def text(self) -> str:
        """The words; empty if there were none."""

    @property
    def complete(self) -> float | None:
        """Log odds that the turn is complete; None: no opinion."""

    @property
    def doubt(self) -> Doubt | None:
        """Why the words are not to be believed; None: they are."""


class SpeechStream(Protocol):
    """One turn of the user while it is being spoken."""

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear [N] samples, mono, 16 kHz."""

    def finish(self) -> TurnTranscript:
        """What was said, if the turn ends here; feeding may go on afterwards."""


@dataclass(frozen=True)
class WrittenTurn:
    """A turn of the user that was written."""

    text: str
    """The words."""
    complete: float | None = None
    doubt: Doubt | None = None

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Nothing is heard."""

    def finish(self) -> WrittenTurn:
        """What was written."""
        return self


class Responder(Protocol[H]):
    """Hears and answers. Holds no conversation: any number of them can share one."""

    def listen(self, history: Sequence[Turn]) -> H:
        """Begin to hear a turn that follows `history`."""

    def respond(
        self, stream: H | WrittenTurn, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written."""

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text, or one that still comes, piece by piece."""


@runtime_checkable
class Writer(Protocol):
    """What a responder is that answers in writing, too."""

    def write(self, text: str, history: Sequence[Turn], *, cancelled: Cancelled) -> Iterator[str]:
        """Answer a written turn in writing, piece by piece."""
