"""A responder with tools: a spoken command becomes a call, its result is spoken."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn, Word
from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.responders.responder import (
    Cancelled,
    Responder,
    SpeechStream,
    TurnTranscript,
    Writer,
    WrittenTurn,
)
from antiphon.tools.call import Call, Result
from antiphon.tools.phrases import (
    DECLINED,
    Phrase,
    ask,
    confirmation,
    described,
    no_phrase,
    reply,
)
from antiphon.tools.rules.consent import Answer, after_yes, answer
from antiphon.tools.toolbox import Toolbox

POLL_SECONDS = 0.02
"""Seconds between two checks of whether a result is still wanted."""
ANSWER_SECONDS = 60.0
"""Seconds for which a question that was asked back can be answered."""


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


@dataclass(frozen=True)
class Pending:
    """A question that was asked back instead of a call."""

    question: str
    request: str
    """What the user had said."""
    calls: tuple[Call, ...]
    """Made after a yes; empty if something was missing."""
    asked: float
    """When, in seconds."""

    def heard(self, history: Sequence[Turn]) -> float:
        """How much of it the user heard last: 1 all, 0 nothing, or something else since then."""
        last = history[-1] if history else None
        if last is None or last.role != "assistant":
            return 0.0
        whole, part = bare(self.question), bare(last.text)
        return len(part) / len(whole) if whole.startswith(part) else 0.0


class ToolResponder:
    """Answers as another responder does, unless one of the tools is asked for.

    A tool that wants to be confirmed is read back, and used after a yes. Belongs to one
    conversation.

    Args:
        responder: answers everything else, and speaks.
        toolbox: decides.
        execute: begins a call and returns the future of its outcome; called in the
            responder's thread.
        seconds: how long an outcome is waited for.
        on_call: called with every call before it is executed.
        clock: tells how long ago something was asked.
        phrase: writes what a tool without a sentence of its own returned.
    """

    def __init__(
        self,
        responder: Responder[Any],
        toolbox: Toolbox,
        execute: Callable[[Call], Future[Any]],
        *,
        seconds: float = 10.0,
        on_call: Callable[[Call], object] = lambda call: None,
        clock: Clock | None = None,
        phrase: Phrase = no_phrase,
    ) -> None:
        self.responder, self.toolbox, self.execute = responder, toolbox, execute
        self.seconds, self.on_call, self._phrase = seconds, on_call, phrase
        self._clock = clock or WallClock()
        self._pending: Pending | None = None

    def listen(self, history: Sequence[Turn]) -> SharedStream:
        """Begin to hear a turn that follows `history`."""
        return SharedStream(self.responder.listen(history))

    def respond(
        self,
        stream: SharedStream | WrittenTurn,
        history: Sequence[Turn],
        *,
        cancelled: Cancelled,
        seed: int,
    ) -> Iterator[Speech]:
        """Do what was asked for and say what came of it, or answer."""
        heard = stream.stream if isinstance(stream, SharedStream) else stream
        understood = stream.finish()
        # What is not believed is no command.
        said = None if understood.doubt else self._decide(understood.text, history, cancelled)
        if said is None:
            yield from self.responder.respond(heard, history, cancelled=cancelled, seed=seed)
            return
        samples = 0
        for sentence, last in said:
            pieces = self.responder.say(sentence, cancelled=cancelled)
            samples = yield from following(pieces, samples, last=last)

    def write(self, text: str, history: Sequence[Turn], *, cancelled: Cancelled) -> Iterator[str]:
        """Do what was asked for and write what came of it, or answer."""
        said = self._decide(text, history, cancelled)
        if said is not None:
            yield from (sentence if last else f"{sentence} " for sentence, last in said)
        elif isinstance(self.responder, Writer):
            yield from self.responder.write(text, history, cancelled=cancelled)

    def _decide(
        self, text: str, history: Sequence[Turn], cancelled: Cancelled
    ) -> Iterator[tuple[str, bool]] | None:
        """What is to be said, each with whether it is the last, if a tool is asked for."""
        pending = self._open_question(history)
        if pending and pending.calls and (meant := self._answer(text, pending)):
            if meant == "yes" and pending.heard(history) == 1:
                return self._do(pending.calls, pending.request, cancelled)
            # A yes to a question that was cut off is no consent.
            said = DECLINED if meant == "no" else self._ask(pending.request, pending.calls)
            return iter([(said, True)])
        calls = self.toolbox.decide_all(text)
        if pending and not pending.calls and not calls:
            text = f"{pending.request.rstrip('.?! ')} {text}"
            calls = self.toolbox.decide_all(text)
        held = [call for call in calls if call.problem or call.missing]
        if held:
            return iter([(held[0].problem or self._ask_for(held[0], text), True)])
        if any(self.toolbox.tools[call.name].confirm for call in calls):
            return iter([(self._ask(text, tuple(calls)), True)])
        return self._do(calls, text, cancelled) if calls else None

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return self.responder.say(text, cancelled=cancelled)

    def _open_question(self, history: Sequence[Turn]) -> Pending | None:
        """The question, or the part of it that was heard, which this turn may answer.

        The history decides and nothing is used up: a turn is answered anew when it goes on.
        """
        pending = self._pending
        if pending is None or self._clock.now() - pending.asked > ANSWER_SECONDS:
            return None
        return pending if pending.heard(history) > 0 else None

    def _answer(self, text: str, pending: Pending) -> Answer | None:
        """What a turn answers; "yes, unlock the door" is a yes if it is what was asked for."""
        meant = answer(text)
        rest = after_yes(text)
        if meant is None and rest and self.toolbox.decide_all(rest) == list(pending.calls):
            return "yes"
        return meant

    def _ask(self, request: str, calls: tuple[Call, ...]) -> str:
        """The question whether to make calls; a yes is awaited from now on."""
        tools = self.toolbox.tools
        question = confirmation([described(tools[call.name], call) for call in calls])
        self._pending = Pending(question, request, calls, self._clock.now())
        return question

    def _ask_for(self, call: Call, request: str) -> str:
        """The question for what is missing."""
        question = ask(call)
        self._pending = Pending(question, request, (), self._clock.now())
        return question

    def _do(
        self, calls: Sequence[Call], text: str, cancelled: Cancelled
    ) -> Iterator[tuple[str, bool]]:
        """Make calls, one after another; what came of each, and whether it was the last."""
        for left, call in zip(range(len(calls) - 1, -1, -1), calls, strict=True):
            if cancelled():
                return
            self.on_call(call)
            outcome = self._wait(self.execute(call), cancelled)
            if outcome is None or cancelled():
                return
            result = Result(outcome.ok, outcome.value, outcome.error)
            tool = self.toolbox.tools[call.name]
            yield reply(tool, call, result, text, self._phrase), not left

    def _wait(self, future: Future[Any], cancelled: Cancelled) -> Outcome | None:
        """The outcome; None if it is no longer wanted."""
        for _ in range(max(1, round(self.seconds / POLL_SECONDS))):
            if wait([future], POLL_SECONDS).done:
                if future.cancelled():  # whoever makes the call says what came of it
                    return None
                error = future.exception()
                return future.result() if error is None else Result(False, error=str(error))
            if cancelled():
                future.cancel()
                return None
        future.cancel()
        return Result(False, error="it took too long")


def following(
    pieces: Iterator[Speech], samples: int, *, last: bool
) -> Generator[Speech, None, int]:
    """Pieces of speech as a part of a reply.

    Args:
        pieces: of the part, counted from its own beginning.
        samples: of the reply before it.
        last: whether the reply ends with it.

    Returns:
        Samples of the reply with it.
    """
    length, space = 0, " " if samples else ""
    for piece in pieces:
        words = tuple(Word(w.text, w.start + samples, w.end + samples) for w in piece.words)
        length = piece.start + len(piece.pcm)
        yield replace(
            piece,
            start=piece.start + samples,
            text=space + piece.text,
            words=words,
            final=piece.final and last,
        )
        space = "" if piece.units else space  # its first segment is over
    return samples + length


def bare(text: str) -> str:
    """A text's letters and digits, to compare what was said with what was heard."""
    return "".join(c for c in text.lower() if c.isalnum())
