"""Language models of which only the text can be had: messages go in, text comes out."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Protocol, runtime_checkable

import torch

from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Token, Turn

Message = dict[str, str]
"""One message of a chat: its "role" (system, user or assistant) and its "content"."""


@runtime_checkable
class TextModel(Vocabulary, Protocol):
    """A language model that shows neither its tokens nor its hidden states.

    Voices speak what it writes by the text alone, and questions reach it as transcripts.
    """

    def reply(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float, top_p: float
    ) -> Generator[str, None, None]:
        """Answer the last of some messages.

        Args:
            messages: of the conversation so far.
            max_tokens: longest reply.
            temperature: 0 chooses the likeliest token.
            top_p: with a temperature, the share of the probability that is drawn from.

        Yields:
            The reply piece by piece, cut anywhere. Closing the generator stops the model.

        Raises:
            UserError: It fails.
        """


class WordTokenizer:
    """Cuts a text into words, each with the space in front of it, all with the same id."""

    def __call__(
        self, text: str, add_special_tokens: bool = False, return_offsets_mapping: bool = False
    ) -> dict[str, list[Any]]:
        """Tokens of a text, with the characters [start, end) each came from."""
        spans = [found.span() for found in re.finditer(r"\s*\S+|\s+", text)]
        return {"input_ids": [0] * len(spans), "offset_mapping": spans}


class TextVocabulary:
    """Stands for the vocabulary of a text model, which nobody knows: its tokens are words.

    Args:
        name: of the text model.
    """

    tokenizer: Any = WordTokenizer()
    embeddings = torch.zeros(1, 0)
    """[1, 0]: words have no embeddings."""

    def __init__(self, name: str) -> None:
        self.name = name


def messages(history: Sequence[Turn], system: str = "") -> list[Message]:
    """A conversation as messages.

    Args:
        history: its turns. Several of one speaker in a row become one, since many models' chat
            templates want the speakers to take turns.
        system: the system prompt; empty: none.
    """
    found = [{"role": "system", "content": system}] if system else []
    for role, turns in groupby(history, lambda turn: turn.role):
        found.append({"role": role, "content": " ".join(turn.text for turn in turns)})
    return found


def tokens(pieces: Iterable[str]) -> Iterator[Token]:
    """A reply as tokens without hidden states, which begin where words do.

    Args:
        pieces: of the text, cut anywhere. Space in front of it and behind it is dropped.
    """
    space, begun = "", False
    for piece in pieces:
        for part in re.findall(r"\s+|\S+", piece):
            if part.isspace():
                space += part if begun else ""
            else:
                yield Token(0, space + part, TextVocabulary.embeddings[0])
                space, begun = "", True
