"""A responder whose speech is faster or slower than the voice speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from antiphon.messages import Speech, Turn
from antiphon.runtime.responders.responder import Cancelled, Responder, WrittenTurn
from antiphon.t2c.tempo import at_speed


class TempoResponder:
    """A responder that speaks at a speed.

    Args:
        responder: hears and answers.
        speed: tells how fast, when a reply is begun.
    """

    def __init__(self, responder: Responder[Any], speed: Callable[[], float]) -> None:
        self._responder, self._speed = responder, speed

    def listen(self, history: Sequence[Turn]) -> Any:
        """Begin to hear a turn that follows `history`."""
        return self._responder.listen(history)

    def respond(
        self,
        stream: Any | WrittenTurn,
        history: Sequence[Turn],
        *,
        cancelled: Cancelled,
        seed: int,
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written."""
        pieces = self._responder.respond(stream, history, cancelled=cancelled, seed=seed)
        return at_speed(pieces, self._speed())

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return at_speed(self._responder.say(text, cancelled=cancelled), self._speed())
