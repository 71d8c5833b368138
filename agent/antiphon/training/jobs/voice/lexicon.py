"""Make a voice's lexicon: names and words of open lists, labelled by the teacher's phonemizer.

CMUdict's own pronunciations were tried where they differ: recognizers understood the voice no
better by them, so it lends its words only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from antiphon.t2c.phonemes import SPACE, PhonemeInventory, group
from antiphon.t2c.pronunciation import heteronyms
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.training.corpora.voice import word_lists
from antiphon.training.corpora.voice.teacher import Teacher

LEARNT = 1000
"""So many of the most frequent words are left to the pronouncer: how they are said depends on the
words around them, and it has read each of them a thousand times."""
NEWSREADER = Path(word_lists.__file__).with_name("newsreader.tsv")


def make(teacher: Teacher, inventory: PhonemeInventory, path: Path) -> int:
    """Write the lexicon of a voice; returns the number of its words.

    Args:
        teacher: labels the words.
        inventory: sounds of the voice.
        path: the file.
    """
    entries = {
        word: inventory.ids(group(said))
        for word, said in tqdm(pronunciations(teacher), desc="lexicon", unit="word")
    }
    Lexicon.write(path, entries.items(), inventory)
    return len(entries)


def pronunciations(teacher: Teacher) -> Iterator[tuple[str, str]]:
    """Words in lower case with their phonemes."""
    known = {*word_lists.frequent()[:LEARNT], *heteronyms.table()}
    for word, said in newsreader().items():
        known.add(word)
        yield word, said
    for word in [*word_lists.names(), *word_lists.words()]:
        if (key := word.lower()) in known:
            continue
        known.add(key)
        said = "".join(symbol for row in teacher.symbols(word) for symbol in row)
        if said and SPACE not in said:
            yield key, said


def newsreader() -> dict[str, str]:
    """Words that the teacher says wrong, with their phonemes."""
    rows = (line.split("\t") for line in NEWSREADER.read_text(encoding="utf-8").splitlines())
    return {row[0]: row[1] for row in rows if not row[0].startswith("#")}
