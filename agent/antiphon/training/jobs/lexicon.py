"""Make a voice's lexicon: names and words of open lists, labelled by the teacher and CMUdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from antiphon.t2c.phonemes import SPACE, PhonemeInventory, group
from antiphon.t2c.pronunciation import heteronyms
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.training import arpabet
from antiphon.training.corpora import word_lists
from antiphon.training.corpora.teacher import Teacher

LEARNT = 1000
"""So many of the most frequent words are left to the pronouncer: how they are said depends on the
words around them, and it has read each of them a thousand times."""
HABITS = 2000
"""So many are said as the teacher says them, whatever CMUdict writes."""


def make(teacher: Teacher, inventory: PhonemeInventory, path: Path) -> int:
    """Write the lexicon of a voice; returns the number of its words.

    Args:
        teacher: labels the words.
        inventory: sounds of the voice.
        path: the file.
    """
    entries = {
        word: inventory.ids(group(said)) for word, said in tqdm(pronunciations(teacher), "lexicon")
    }
    Lexicon.write(path, entries.items(), inventory)
    return len(entries)


def pronunciations(teacher: Teacher) -> Iterator[tuple[str, str]]:
    """Words in lower case with their phonemes: CMUdict's where it differs, else the teacher's."""
    frequent = word_lists.frequent()
    left = {*frequent[:LEARNT], *heteronyms.table()}
    as_taught = set(frequent[:HABITS])
    human = {} if teacher.language != "en-us" else word_lists.cmudict_words()
    for word in [*word_lists.names(), *word_lists.words()]:
        key = word.lower()
        if key in left:
            continue
        left.add(key)
        said = "".join(symbol for row in teacher.symbols(word) for symbol in row)
        if key not in as_taught and key in human:
            written = [arpabet.phonemes(each) for each in human[key]]
            if not any(arpabet.alike(each, said) for each in written):
                said = written[0]
        if said and SPACE not in said:
            yield key, said
