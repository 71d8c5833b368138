"""An `Agent` as the responder of conversations, and what its models share a machine with."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence

from antiphon.agent import Agent
from antiphon.errors import UserError
from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Speech, Token, Turn
from antiphon.runtime.responders.responder import Cancelled, WrittenTurn
from antiphon.s2t.speech_to_text import QuestionStream
from antiphon.t2c.spelling import text_tokens

log = logging.getLogger(__name__)


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

    def listen(self, history: Sequence[Turn]) -> QuestionStream:
        """Begin to hear; the language model reads the history meanwhile."""
        release_memory()
        return self.agent.s2t.start(history)

    def respond(
        self,
        stream: QuestionStream | WrittenTurn,
        history: Sequence[Turn],
        *,
        cancelled: Cancelled,
        seed: int,
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written. What goes wrong and can be mended is said."""
        agent = self.agent
        question = stream.text if isinstance(stream, WrittenTurn) else stream
        tokens, source = agent.reply(question, history)
        segments = agent.trigger.cut(explained(tokens, agent.s2t.llm))
        yield from agent.speak(segments, cancelled=cancelled, source=source, seed=seed)

    def write(self, text: str, history: Sequence[Turn], *, cancelled: Cancelled) -> Iterator[str]:
        """Answer a written turn in writing, piece by piece."""
        tokens, _ = self.agent.reply(text, history)
        for token in tokens:
            if cancelled():
                return
            yield token.text

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a text: the same voice, driven by the tokens' embeddings."""
        return self.agent.say(text, cancelled=cancelled)


def explained(tokens: Iterable[Token], vocabulary: Vocabulary) -> Iterator[Token]:
    """The tokens of a reply; if it fails, what the user should know takes the place of the rest.

    Args:
        tokens: of the reply.
        vocabulary: of the language model that writes it.
    """
    said = ""
    try:
        for token in tokens:
            said += token.text
            yield token
    except UserError as error:
        log.info("%s", error)
        ended = not said or said.rstrip().endswith((".", "!", "?"))
        yield from text_tokens(f"{'' if ended else '.'}{' ' if said else ''}{error}", vocabulary)
