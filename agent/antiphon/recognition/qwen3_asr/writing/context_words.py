"""What it is worth that a text holds words of the context.

The language model reads the context, but a small one makes little of it. So a text is better by
each letter of a context's entry that it holds, also while the entry is being written, and loses
that again if it goes on otherwise (as in contextual biasing by a trie: Zhao et al. 2019, "Shallow-
Fusion End-to-End Contextual Biasing"). What is heard decides still: an entry that sounds otherwise
costs more than it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from antiphon.recognition.drax.vocabulary import plain

WORTH = 1.0
"""Nats of a letter."""
SHORTEST = 4
"""Letters of an entry that counts: anything may sound like a shorter one."""


class ContextWords:
    """Finds the entries of a context in texts.

    Args:
        entries: of the context.
        tokenizer: of the language model.
    """

    def __init__(self, entries: Sequence[str], tokenizer: Any) -> None:
        self.entries = {name for name in map(plain, entries) if len(name) >= SHORTEST}
        self.begun = {name[:end] for name in self.entries for end in range(1, len(name) + 1)}
        words = {word for name in self.entries for word in name.split()}
        self.parts = {word[:end] for word in words for end in range(1, len(word) + 1)}
        """Words of the entries, and what they begin with."""
        written = [form for name in entries for form in (name, f" {name}", f" {plain(name)}")]
        self.tokens = {
            token
            for form in written
            if self.entries
            for token in tokenizer.encode(form, add_special_tokens=False)
        }
        """Those in which entries are written."""
        self._held = lru_cache(maxsize=1024)(self._letters)

    def worth(self, text: str, *, ended: bool = False) -> float:
        """Of the entries in a text, with the one that it may end in."""
        if not self.entries:
            return 0.0
        said = f" {plain(text)}"
        if ended:
            return WORTH * self._held(said)
        words, _, _ = said.rpartition(" ")
        ends = (said[at + 1 :] for at, letter in enumerate(said) if letter == " ")
        begun = max((len(end) for end in ends if end in self.begun), default=0)
        return WORTH * (self._held(words) + begun)

    def _letters(self, said: str) -> int:
        return sum(len(entry) for entry in self.entries if f" {entry} " in f" {said} ")
