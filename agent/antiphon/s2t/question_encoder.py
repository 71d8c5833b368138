"""Question encoders: from the sound of a question to what the language model reads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.llm.language_model import LanguageModel
from antiphon.llm.text_model import TextModel
from antiphon.messages import Doubt
from antiphon.recognition.recognizer import RECOGNIZERS
from antiphon.registry import Registry


@dataclass(frozen=True)
class Question:
    """What the user asked, as it was understood."""

    text: str
    """The transcript."""
    embeddings: torch.Tensor | None
    """[S, H] what the language model reads; None: the transcript."""
    complete: float | None = None
    """Log odds that the turn is complete, by its sound; None: no opinion."""
    doubt: Doubt | None = None
    """Why the transcript is not to be believed, and no answer is due; None: it is."""
    rate: int | None = None
    """At which rate it was heard; None: the recognizer has but one."""


class QuestionEncoder(Protocol):
    """Takes audio piece by piece. Holds weights only; a stream's state is a value."""

    def start(self) -> Any:
        """State before the first sample."""

    def feed(self, pcm: NDArray[np.float32], state: Any) -> Any:
        """State after `pcm` [N], mono, 16 kHz; the state given stays as it is."""

    def heard(self, state: Any) -> Question | None:
        """The question as it was heard just now, at no cost; None: there is nothing new."""

    def finish(self, state: Any) -> Question:
        """The question, if the audio ends here; feeding may go on."""


Loader = Callable[[Callable[[], LanguageModel | TextModel], str], QuestionEncoder]
"""Loads a question encoder for a language model and the name of a recognizer.

The language model may still be loading, so it is asked for last, if at all.
"""

QUESTION_ENCODERS: Registry[Loader] = Registry(
    "way of hearing",
    "antiphon.question_encoders",
    {"s2t": "antiphon.s2t.direct:load", "cascade": "antiphon.s2t.cascade:load"},
)
"""What `--ears` names: directly, or transcribed first."""


def from_pretrained(
    ears: str, llm: Callable[[], LanguageModel | TextModel], recognizer: str
) -> QuestionEncoder:
    """A question encoder.

    Args:
        ears: a registered name; the name or folder of a recognizer is a cascade with it.
        llm: gives the language model that reads what it gives, and waits until it is loaded.
        recognizer: name or folder of the recognizer it builds on.

    Raises:
        UserError: There is no such way of hearing, or it does not fit the language model.
    """
    ears, recognizer = resolve(ears, recognizer)
    return QUESTION_ENCODERS.get(ears)(llm, recognizer)


def load_both(
    load_llm: Callable[[], LanguageModel | TextModel], ears: str, recognizer: str
) -> tuple[LanguageModel | TextModel, QuestionEncoder]:
    """A language model and the question encoder for it, loaded at the same time.

    Both take seconds, most of them outside the interpreter.

    Args:
        load_llm: loads the language model. It runs in the calling thread, since it may have to
            fetch for minutes and has to be stopped by an interrupt then.
        ears: as for `from_pretrained`.
        recognizer: as for `from_pretrained`.
    """
    loaded: Future[LanguageModel | TextModel] = Future()
    with ThreadPoolExecutor(1) as pool:
        encoder = pool.submit(from_pretrained, ears, loaded.result, recognizer)
        try:
            loaded.set_result(load_llm())
        except BaseException as fault:
            loaded.set_exception(fault)
            raise
        return loaded.result(), encoder.result()


def resolve(ears: str, recognizer: str) -> tuple[str, str]:
    """The registered way of hearing, and the recognizer it builds on.

    Raises:
        UserError: There is no such way of hearing, nor such a recognizer.
    """
    if ears not in QUESTION_ENCODERS and (ears in RECOGNIZERS or "/" in ears):
        return "cascade", ears
    if ears not in QUESTION_ENCODERS:
        known = ", ".join((*QUESTION_ENCODERS.names(), *RECOGNIZERS.names()))
        raise UserError(f"There is no way of hearing '{ears}': choose {known}.")
    return ears, recognizer
