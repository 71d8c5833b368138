"""What was heard of a reply, word by word."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.messages import Speech, Word
from antiphon.runtime.session.heard_words import CUT, SampleRanges, SpokenWords, remembered

WORD = 1000


def script(text, segments=1):
    """A script whose every word takes 1000 samples."""
    made, words = SpokenWords(), text.split()
    size = -(-len(words) // segments)
    for first in range(0, len(words), size):
        chosen = words[first : first + size]
        placed = tuple(
            Word(word, (first + i) * WORD, (first + i + 1) * WORD) for i, word in enumerate(chosen)
        )
        segment = (" " if first else "") + " ".join(chosen)
        made.add(Speech(np.zeros(1, np.float32), 22_050, first * WORD, segment, words=placed))
        made.add(Speech(np.zeros(1, np.float32), 22_050, first * WORD + 1, segment, units=(1,)))
    return made


texts = st.lists(st.text("ab,.'", min_size=1, max_size=4), min_size=1, max_size=12)


@given(texts, st.integers(0, 13_000), st.integers(1, 4))
def test_what_was_heard_is_a_beginning_of_the_text_word_by_word(words, samples, segments):
    text = " ".join(words)
    made = script(text, segments)
    assert made.text == text
    expected = min(len(words), (samples + WORD // 2) // WORD)
    assert made.heard(SampleRanges(samples)) == " ".join(words[:expected])


def test_an_interrupted_reply_is_marked_and_a_whole_one_is_not():
    made = script("Yes, the sea is deep.")
    assert remembered(made, SampleRanges(2500), 5000, complete=True) == f"Yes, the sea{CUT}"
    assert remembered(made, SampleRanges(1000), 5000, complete=True) == f"Yes{CUT}"
    assert remembered(made, SampleRanges(4900), 5000, complete=True) == "Yes, the sea is deep."
    assert (
        remembered(made, SampleRanges(4900), 5000, complete=False) == f"Yes, the sea is deep.{CUT}"
    )
    assert remembered(made, SampleRanges(0), 5000, complete=False) == CUT
    assert remembered(made, SampleRanges(5000), 5000, complete=True) == "Yes, the sea is deep."
