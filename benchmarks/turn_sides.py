"""The two that are compared: the agent, and a plain loop of the same parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soxr
from live_scenes import Recorded, Sound, User, play
from plain_loop import PlainLoop

from antiphon.messages import Doubt, Speech, Word
from antiphon.runtime.echo.canceller import EchoCanceller
from antiphon.runtime.frames import FRAME_MS, RATE
from antiphon.runtime.responders.worker import InlineWorker, ThreadWorker
from antiphon.runtime.session.conversation import Conversation

OUT = 22_050
HEARING, JUDGING = 160 // FRAME_MS, 60 // FRAME_MS
"""Frames that hearing and judging take where the models' speed plays no part."""
PASSAGE = (
    "The sea covers most of the earth. It is deep and cold, and full of life that nobody has "
    "seen. Ships cross it every day, and the wind moves its waves from one coast to the other. "
    "In the evening the light goes down behind the hills, and the birds come back to the shore. "
)
"""What the agent says whenever it does not matter what it says."""


class Prepared:
    """A responder that says what was spoken once; so its scenes need no language model.

    Args:
        pieces: the reply.
        listen: begins a hearing, if the sound of the question matters.
    """

    def __init__(
        self, pieces: Sequence[Speech], listen: Callable[[Any], Any] | None = None
    ) -> None:
        self.pieces = tuple(pieces)
        self.words: list[Word] = [word for piece in pieces for word in piece.words]
        whole = np.concatenate([piece.pcm for piece in pieces])
        self.sound: Sound = soxr.resample(whole, OUT, RATE).astype(np.float32)
        """[N] the reply at 16 kHz."""
        self._listen = listen or (lambda history: OneQuestion(bool(history)))

    def listen(self, history: Any) -> Any:
        """Begin to hear."""
        return self._listen(history)

    def respond(self, stream: Any, history: Any, **rest: Any) -> Iterator[Speech]:
        """Say it."""
        yield from self.pieces

    def say(self, text: str, **rest: Any) -> Iterator[Speech]:
        """Say it."""
        yield from self.pieces


class OneQuestion:
    """Understands the first turn, and nothing in any other.

    Args:
        later: whether something was said before.
    """

    def __init__(self, later: bool) -> None:
        self.text = "" if later else "What is the sea?"
        self.complete: float | None = None
        self.doubt: Doubt | None = None

    def feed(self, pcm: Sound) -> None:
        """Hear [N]."""

    def finish(self) -> OneQuestion:
        """What was said."""
        return self


@dataclass
class Side:
    """One of the two."""

    name: str
    responder: Any
    """The real one."""
    prepared: Prepared
    """Says `PASSAGE` in the agent's voice."""
    attentive: Prepared
    """Says it, too, and hears with the real ears."""
    begin: Callable[[Any, bool, EchoCanceller | None], Any]
    """A conversation of a responder: in real time or not, and with whose canceller."""
    found: dict[str, list[float]] = field(default_factory=dict)
    """Measures by name."""

    def run(
        self,
        user: User,
        responder: Any = None,
        *,
        paced: bool = False,
        echo: bool = False,
        say: str = "",
    ) -> tuple[Recorded, Any]:
        """Let a scene happen; returns it, and the conversation's history.

        Args:
            user: who talks with it.
            responder: who answers; None: the prepared one.
            paced: in real time, the models in their own thread; or as fast as possible.
            echo: whether there is an echo to be cancelled.
            say: what the agent says first.
        """
        responder = responder or self.prepared
        conversation = self.begin(responder, paced, EchoCanceller() if echo else None)
        try:
            if say:
                conversation.say(say)
            recorded = play(conversation, user, OUT, 1.0 if paced else None)
            return recorded, list(conversation.history)
        finally:
            conversation.close()

    def note(self, measure: str, value: float | None) -> None:
        """Take down a measure; None: there was nothing to measure."""
        if value is not None:
            self.found.setdefault(measure, []).append(value)


def load() -> list[Side]:
    """The agent, and the plain loop of the same parts, both warm."""
    from antiphon.agent import Agent
    from antiphon.cli.timed_reply import load_agent
    from antiphon.runtime.responders.agent_responder import AgentResponder
    from antiphon.s2t.speech_to_text import SpeechToText

    agent = load_agent()
    cascade = SpeechToText.from_pretrained(ears="cascade")
    plain = Agent(cascade, agent.voice, trigger=agent.trigger, source="text")

    def ours(responder: Any, paced: bool, canceller: EchoCanceller | None) -> Conversation:
        work = ThreadWorker() if paced else InlineWorker(HEARING)
        aside = ThreadWorker() if paced else InlineWorker(JUDGING)
        return Conversation(responder, canceller=canceller, work=work, aside=aside)

    def loop(responder: Any, paced: bool, canceller: EchoCanceller | None) -> PlainLoop:
        return PlainLoop(responder, ThreadWorker() if paced else InlineWorker(HEARING))

    responders = {"antiphon": AgentResponder(agent), "plain_loop": AgentResponder(plain)}
    said = Prepared(list(responders["antiphon"].say(PASSAGE, cancelled=lambda: False)))
    hears = Prepared(said.pieces, responders["antiphon"].listen)  # the loop does not ask its ears
    for responder in responders.values():
        stream = responder.listen(())
        stream.feed(np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32))
        list(responder.respond(stream, (), cancelled=lambda: False, seed=0))
    return [
        Side("antiphon", responders["antiphon"], said, hears, ours),
        Side("plain_loop", responders["plain_loop"], said, said, loop),
    ]
