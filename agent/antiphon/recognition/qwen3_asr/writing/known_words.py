"""How usual the words of a text are.

A small model spells what it hears as it sounds ("retter" for "better"). So a text is better by the
frequency of its words, also of the most usual that an unfinished one may become, and loses that
again if it becomes another (Ortmanns et al. 1996, "Language-Model Look-Ahead for Large Vocabulary
Speech Recognition"). A word that is in no list may be said as well: it costs more by each letter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from antiphon.errors import UserError
from antiphon.recognition.drax.vocabulary import plain

FILE = "words.marisa"
"""In the folder of a model: words of all its languages, as a MARISA trie."""
SHARE = 0.5
"""What counts of the logarithm of a frequency: the language model knows some of it, too."""
UNKNOWN, LETTER = -13.0, -1.0
"""Log frequency of a word that is in no list, and what each of its letters adds."""
RARE = -13.0
"""Log frequency of a context's words: of the rarest in a list."""
STEPS = 10
"""Parts of a nat in which frequencies are kept, in a byte."""


class KnownWords:
    """The words of a language.

    Args:
        trie: a `marisa_trie.RecordTrie` of words behind the names of their languages.
        language: English name; a language without words makes no text better than another.
    """

    def __init__(self, trie: Any, language: str) -> None:
        self._trie, self._name = trie, f"{language} "
        self.empty = trie is None or next(trie.iterkeys(self._name), None) is None
        self._word = lru_cache(maxsize=4096)(self._of_word)
        self._begun = lru_cache(maxsize=4096)(self._of_beginning)

    def worth(
        self, text: str, *, ended: bool = False, besides: Collection[str] = frozenset()
    ) -> float:
        """Of a text.

        Args:
            text: its last word may still go on.
            ended: it may not.
            besides: words that are known, too, and what they begin with.
        """
        if self.empty or not (said := plain(text)):
            return 0.0
        *words, last = said.split(" ")
        going_on = not ended and not text.endswith(" ")
        usual = [*map(self._word, words), (self._begun if going_on else self._word)(last)]
        pairs = zip((*words, last), usual, strict=True)
        return SHARE * sum(max(f, RARE) if word in besides else f for word, f in pairs)

    def _of_word(self, word: str) -> float:
        found = self._trie.get(self._name + word)
        return _usual(word, found[0][0] if found else None)

    def _of_beginning(self, letters: str) -> float:
        found = (steps for _, (steps,) in self._trie.items(self._name + letters))
        return _usual(letters, min(found, default=None))


def _usual(word: str, steps: int | None) -> float:
    """Log frequency of a word with that of a list, if it is in one."""
    unknown = UNKNOWN + LETTER * len(word)
    return unknown if steps is None else max(unknown, -steps / STEPS)


def load(folder: Path) -> Any:
    """The words of a model's folder, mapped into memory; None if it has none.

    Raises:
        UserError: They cannot be read.
    """
    import marisa_trie

    path = folder / FILE
    if not path.exists():
        return None
    trie = marisa_trie.RecordTrie("<B")
    try:
        trie.mmap(str(path))
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path} holds no words: train the model again, or remove it.") from error
    return trie


def write(path: Path, frequencies: Mapping[str, Iterable[tuple[str, float]]]) -> None:
    """Write the words of languages.

    Args:
        path: the file.
        frequencies: by English name, words with their shares of all words.
    """
    import marisa_trie

    found = dict[str, int]()
    for language, words in frequencies.items():
        for spelled, share in words:
            word, steps = plain(spelled), round(-STEPS * math.log(share))
            if " " not in word:
                key = f"{language} {word}"
                found[key] = min(255, steps, found.get(key, 255))
    marisa_trie.RecordTrie("<B", [(key, (steps,)) for key, steps in found.items()]).save(str(path))
