"""The corpus of heard speech."""

import pytest

from antiphon.training.corpora.hearing import heard_speech


@pytest.mark.parametrize(
    ("heard", "known", "text"),
    [
        ("We call it bear.", "WE CALL IT BEAR", "We call it bear."),
        ("We call it beer.", "WE CALL IT BEAR", "We call it bear"),
        ("I'm in Paris.", "I'M IN PARIS", "I'm in Paris."),
        ("Who is he?", "who is she", "Who is she"),
        (" Hello there. ", "", "Hello there."),
        ("", "I GO", "I go"),
    ],
)
def test_a_prompt_is_written_as_it_was_heard_where_the_words_agree(heard, known, text):
    assert heard_speech.written(heard, known) == text
