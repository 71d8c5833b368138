"""What a conversation asks of the models behind it, and how an `Agent` gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Token, Turn

if TYPE_CHECKING:
    from antiphon.agent import Agent

Cancelled = Callable[[], bool]
"""Asked by the models between two small steps; True: nobody wants the rest."""


class Understanding(Protocol):
    """What was understood of a turn."""

    @property
    def text(self) -> str:
        """The words; empty if there were none."""


class Hearing(Protocol):
    """One turn of the user while it is being spoken."""

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear [N] samples, mono, 16 kHz."""

    def finish(self) -> Understanding:
        """What was said, if the turn ends here; feeding may go on afterwards."""


class Mind(Protocol):
    """Hears and answers. Holds no conversation: any number of them can share one."""

    def listen(self, history: Sequence[Turn]) -> Hearing:
        """Begin to hear a turn that follows `history`."""

    def respond(
        self, hearing: Hearing, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard."""

    def say(self, text: str, *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""


class AgentMind:
    """An `Agent` as a mind.

    Args:
        agent: the models.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def listen(self, history: Sequence[Turn]) -> Hearing:
        """Begin to hear; the language model reads the history meanwhile."""
        return self.agent.s2t.start(history)

    def respond(
        self, hearing: Hearing, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard."""
        return self.agent.respond(hearing, history, cancelled=cancelled, seed=seed)  # type: ignore[arg-type]

    def say(self, text: str, *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a text: the same voice, driven by the tokens' embeddings."""
        from antiphon.agent import Agent

        parts = self.agent
        reader = Agent(parts.s2t, parts.t2c, parts.codec, trigger=parts.trigger, source="text")
        return reader.speak(reader.trigger.cut(self._tokens(text)), cancelled=cancelled)

    def _tokens(self, text: str) -> Iterator[Token]:
        import torch

        from antiphon.t2c.spelling import pieces_of

        model = self.agent.s2t
        coded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        nothing = torch.zeros(model.hidden_size)
        pieces = pieces_of(text, coded["offset_mapping"])
        for id_, piece in zip(coded["input_ids"], pieces, strict=True):
            yield Token(id_, piece, nothing)
