"""How each token of a language model is heard in an alphabet: its own tokens, or letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.recognition.qwen3_asr.writing.heard_tokens import Beginnings, HeardTokens

PUNCTUATION = re.compile(r"\s*[.,!?;:\"'’()-]+")


class Spelling:
    """Labels of tokens.

    Args:
        tokenizer: of the model.
        marks: its special tokens.
        spell: labels of a part of a text, without case and punctuation.
        start: what stands in front of a text.
    """

    def __init__(
        self, tokenizer: Any, marks: Marks, spell: Callable[[str], Sequence[int]], start: str
    ) -> None:
        self.marks, self._spell, self._special = marks, spell, set(tokenizer.all_special_ids)
        tokens = range(len(tokenizer))
        self.texts = [str(tokenizer.decode([token])) for token in tokens]
        self.labels = [self._labels(token) for token in tokens]
        """Of each token: none for punctuation, None for what is no text."""
        self.first = [self._labels(token, start) for token in tokens]
        """The same at the beginning of a text."""
        self.written = {token for token in tokens if self.labels[token] is not None}
        """Those of which texts are made."""

    @classmethod
    def of_tokens(cls, tokenizer: Any, marks: Marks) -> Spelling:
        """By the tokens themselves: a text begins with a space."""

        def spell(text: str) -> list[int]:
            found: list[int] = tokenizer.encode(text, add_special_tokens=False)
            return found

        return cls(tokenizer, marks, spell, " ")

    @classmethod
    def of_letters(cls, tokenizer: Any, marks: Marks, letters: Letters) -> Spelling:
        """By letters."""
        return cls(tokenizer, marks, letters.spell, "")

    def _labels(self, token: int, start: str | None = None) -> tuple[int, ...] | None:
        text = self.texts[token]
        if token in self._special or "\N{REPLACEMENT CHARACTER}" in text:
            return None
        if PUNCTUATION.fullmatch(text):
            return ()
        if not plain(text):
            return tuple(self._spell(" ")) if text == " " else None
        space = " " if text.startswith(" ") else ""
        return tuple(self._spell((space if start is None else start) + plain(text)))

    def heard(
        self, texts: Beginnings, more: Sequence[tuple[int, int]], heard: HeardTokens
    ) -> Beginnings:
        """Texts by their rows, each with a token more."""
        spelled = [self.of(texts, row, token) for row, token in more]
        found = texts.taken([row for row, _ in more])
        for at in range(max(map(len, spelled), default=0)):
            rows = [row for row, labels in enumerate(spelled) if at < len(labels)]
            last = heard.extended(found.taken(rows), [spelled[row][at] for row in rows])
            found = found.with_(rows, last)
        return found

    def of(self, texts: Beginnings, row: int, token: int) -> tuple[int, ...]:
        """Labels of a token behind one of some texts."""
        begins = texts.last[row] == -1
        return (self.first if begins else self.labels)[token] or ()

    def length(self, token: int) -> int:
        """Labels by which a token is heard."""
        return len(self.labels[token] or ())
