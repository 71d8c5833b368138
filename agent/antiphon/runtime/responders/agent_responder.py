"""An `Agent` as the responder of conversations."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.agent import Agent
from antiphon.messages import Speech, Token, Turn
from antiphon.runtime.responders.responder import Cancelled
from antiphon.s2t.question_encoder import Question
from antiphon.s2t.speech_to_text import Hearing, SpeechToText
from antiphon.t2c.spelling import pieces_of

THREADS = torch.get_num_threads()
"""What PyTorch takes by itself: the cores, or what OMP_NUM_THREADS says."""


class FinishedOnce(Hearing):
    """A hearing that does not understand the same sound twice.

    Args:
        model: who listens.
        history: the turns before.
    """

    def __init__(self, model: SpeechToText, history: Sequence[Turn] = ()) -> None:
        super().__init__(model, history)
        self._question: Question | None = None

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear `pcm` [N], mono, 16 kHz."""
        self._question = None
        super().feed(pcm)

    def finish(self) -> Question:
        """The question, if it ends here; the hearing may go on."""
        self._question = self._question or super().finish()
        return self._question


def reserve_core_for_audio() -> None:
    """Let the models use one thread less than there are cores, if there are several.

    A conversation listens, judges and plays beside them. PyTorch's threads spin while they wait for
    each other, so one that has to share its core makes all wait: with two of them on two cores,
    answers came a third later than with one.
    """
    torch.set_num_threads(max(1, THREADS - 1))


def release_memory() -> None:
    """Give memory that is free back to the system.

    Every turn has tensors of other sizes; the C library keeps what they leave, in ever more pieces:
    110 MiB in half an hour. It does so between turns, in milliseconds; elsewhere than with glibc
    nothing happens.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


class AgentResponder:
    """Hears and answers with an agent; any number of conversations can share one.

    Args:
        agent: the models.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._reader = Agent(
            agent.s2t, agent.t2c, agent.codec, trigger=agent.trigger, source="text"
        )

    def listen(self, history: Sequence[Turn]) -> FinishedOnce:
        """Begin to hear; the language model reads the history meanwhile."""
        release_memory()
        return FinishedOnce(self.agent.s2t, history)

    def respond(
        self, stream: FinishedOnce, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard."""
        return self.agent.respond(stream, history, cancelled=cancelled, seed=seed)

    def say(self, text: str, *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a text: the same voice, driven by the tokens' embeddings."""
        return self._reader.speak(self._reader.trigger.cut(self._tokens(text)), cancelled=cancelled)

    def _tokens(self, text: str) -> Iterator[Token]:
        model = self.agent.s2t
        coded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        nothing = torch.zeros(model.hidden_size)
        pieces = pieces_of(text, coded["offset_mapping"])
        for id_, piece in zip(coded["input_ids"], pieces, strict=True):
            yield Token(id_, piece, nothing)
