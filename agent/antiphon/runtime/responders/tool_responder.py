"""A responder with tools: a spoken command becomes a call, its result is spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn
from antiphon.runtime.responders.responder import Cancelled, Responder, SpeechStream, TurnTranscript
from antiphon.tools.call import Call, Result
from antiphon.tools.result_phrases import ask, reply
from antiphon.tools.toolbox import Toolbox

POLL_SECONDS = 0.02
"""Seconds between two checks of whether a result is still wanted."""


class Outcome(Protocol):
    """What came of a call: a `Result`, or a transport's own record of it."""

    @property
    def ok(self) -> bool:
        """Whether it was done."""

    @property
    def value(self) -> Any:
        """What the tool returned."""

    @property
    def error(self) -> str | None:
        """Why it was not done."""


class SharedStream:
    """A speech stream that is finished once, though several callers ask."""

    def __init__(self, stream: SpeechStream) -> None:
        self.stream = stream
        self._understood: TurnTranscript | None = None

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Feed [N] samples, mono, 16 kHz."""
        self._understood = None
        self.stream.feed(pcm)

    def finish(self) -> TurnTranscript:
        """What was said, if the turn ends here."""
        if self._understood is None:
            self._understood = self.stream.finish()
        return self._understood


class ToolResponder:
    """Answers as another responder does, unless one of the tools is asked for.

    Args:
        responder: answers everything else, and speaks.
        toolbox: decides.
        execute: begins a call and returns the future of its outcome; called in the
            responder's thread.
        seconds: how long an outcome is waited for.
        on_call: called with every call before it is executed.
    """

    def __init__(
        self,
        responder: Responder[Any],
        toolbox: Toolbox,
        execute: Callable[[Call], Future[Any]],
        *,
        seconds: float = 10.0,
        on_call: Callable[[Call], object] = lambda call: None,
    ) -> None:
        self.responder, self.toolbox, self.execute = responder, toolbox, execute
        self.seconds, self.on_call = seconds, on_call

    def listen(self, history: Sequence[Turn]) -> SharedStream:
        """Begin to hear a turn that follows `history`."""
        return SharedStream(self.responder.listen(history))

    def respond(
        self, stream: SharedStream, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Do what was asked for and say what came of it, or answer."""
        text = stream.finish().text
        calls = self.toolbox.decide_all(text)
        if cancelled():
            return
        if not calls:
            yield from self.responder.respond(
                stream.stream, history, cancelled=cancelled, seed=seed
            )
            return
        for call in calls:
            if call.problem or call.missing:
                said = call.problem or ask(call)
            else:
                self.on_call(call)
                outcome = self._wait(self.execute(call), cancelled)
                if outcome is None or cancelled():
                    return
                result = Result(outcome.ok, outcome.value, outcome.error)
                said = reply(self.toolbox.tools[call.name], call, result, text)
            yield from self.responder.say(said, cancelled=cancelled)

    def say(self, text: str, *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return self.responder.say(text, cancelled=cancelled)

    def _wait(self, future: Future[Any], cancelled: Cancelled) -> Outcome | None:
        """The outcome; None if it is no longer wanted."""
        for _ in range(max(1, round(self.seconds / POLL_SECONDS))):
            if wait([future], POLL_SECONDS).done:
                error = future.exception()
                return future.result() if error is None else Result(False, error=str(error))
            if cancelled():
                future.cancel()
                return None
        future.cancel()
        return Result(False, error="it took too long")
