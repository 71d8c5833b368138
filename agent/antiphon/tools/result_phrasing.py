"""A language model says what a tool returned, in a sentence that holds all of it and no more."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from antiphon import weights
from antiphon.llm.chat_template import encode, split_at_question
from antiphon.llm.language_model import LanguageModel, Vocabulary
from antiphon.messages import Turn
from antiphon.tools.phrases import Phrase, no_phrase, plain

SYSTEM = (
    "Tell the user the result of a tool in one short sentence, as one speaks. "
    "Say every value of the result as it is written, and nothing that is not in it."
)
QUESTION = "User: {said}\nResult: {result}"
EXAMPLES: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "how warm is it in here",
        {"temperature": 21.5, "unit": "celsius"},
        "It is 21.5 degrees celsius in here.",
    ),
    (
        "is my order here yet",
        {"status": "shipped", "arrives": "Tuesday"},
        "Your order has shipped and arrives on Tuesday.",
    ),
    (
        "find my keys",
        {"found": True, "place": "kitchen table"},
        "Your keys are on the kitchen table.",
    ),
    (
        "set a timer for ten minutes",
        {"minutes": 10, "name": "timer 2"},
        "Timer 2 is set for 10 minutes.",
    ),
    (
        "book a table at Rosa's",
        {"booked": False, "reason": "fully booked", "next_free": "Friday"},
        "I could not book it, as it is fully booked; the next free table is on Friday.",
    ),
)
MOST_TOKENS = 48
"""Longest sentence; a longer one is given up."""
MINE = re.compile(r"\bmy\b", re.IGNORECASE)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class PhrasingConfig:
    """What the `config.json` of the tools says of it."""

    phrasers: tuple[str, ...] = ()
    """Language models that were measured to phrase results rightly."""


def phrasing(llm: Vocabulary | None) -> Phrase:
    """How the agent's language model writes results; not at all if it was not measured to."""
    from antiphon.llm.text_model import TextModel

    known = weights.read_config(weights.assets("tools"), PhrasingConfig).phrasers
    if llm is None or llm.name not in known or isinstance(llm, TextModel):
        return no_phrase
    return ResultPhraser(cast("LanguageModel", llm)).sentence


class ResultPhraser:
    """Writes sentences about results.

    Args:
        llm: that writes them.
        seconds: a sentence may take; nobody waits longer for what can be said plainly.
    """

    def __init__(self, llm: LanguageModel, seconds: float = 3.0) -> None:
        self.llm, self.seconds = llm, seconds
        history = [
            turn
            for said, result, answer in EXAMPLES
            for turn in (Turn("user", question(said, result)), Turn("assistant", answer))
        ]
        self._before, self._after = split_at_question(llm.tokenizer, history, SYSTEM)

    def sentence(self, said: str, value: Any) -> str | None:
        """A result as a sentence.

        Args:
            said: what the user asked for.
            value: what the tool returned.

        Returns:
            None if it holds nothing to phrase, or the model leaves out a value, adds a number, or
            is slow.
        """
        if not isinstance(value, Mapping) or not any(map(spoken, leaves(value))):
            return None
        written = self._written(question(said, value))
        return written if faithful(written, said, value) else None

    def _written(self, asked: str) -> str:
        llm, end = self.llm, time.monotonic() + self.seconds
        tokens = [*encode(llm.tokenizer, asked), *self._after]
        _, logits, cache = llm.read(llm.embeddings[tokens], llm.start(self._before))
        found: list[int] = []
        while (token := int(logits.argmax())) not in llm.stop_tokens:
            found.append(token)
            if len(found) == MOST_TOKENS or time.monotonic() > end:
                return ""
            _, logits, cache = llm.write(token, cache)
        return str(llm.tokenizer.decode(found, skip_special_tokens=True)).strip()


def question(said: str, value: Mapping[str, Any]) -> str:
    """What the model is asked."""
    return QUESTION.format(said=said, result=json.dumps(value, ensure_ascii=False))


def leaves(value: Any) -> Iterator[Any]:
    """The single values of a result."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def spoken(value: Any) -> bool:
    """Whether a value has to stand in the sentence: a number, or a text."""
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def faithful(written: str, said: str, value: Mapping[str, Any]) -> bool:
    """Whether a sentence holds every number and text of a result once, and no other number.

    It must not take what is the user's for its own, either ("my keys").
    """
    known = [plain(leaf).lower() for leaf in leaves(value) if spoken(leaf)]
    text = written.lower()
    numbers = set(NUMBER.findall(text)) - set(NUMBER.findall(" ".join((*known, said))))
    once = all(text.count(word) == 1 for word in known if len(word) > 2)
    mine = MINE.search(said) and MINE.search(written)
    return bool(written) and not numbers and not mine and once and all(w in text for w in known)
