"""The same words, however they are written."""

import pytest

from antiphon.evaluation.chat.wording import in_digits, plain, sentences, words


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("I don’t know", "i do not know"),
        ("I CAN'T, cannot and won‘t", "i can not, can not and will not"),
        ("it’s  five o`clock", "it's five o'clock"),
        ("I'm", "i'm"),
    ],
)
def test_plain(written, same):
    assert plain(written) == same


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("Fifty-six.", "56."),
        ("one hundred and forty-four", "144"),
        ("one-hundred-forty-four", "144"),
        ("ten minus five", "10 minus 5"),
        ("10 - 5", "10 minus 5"),
        ("1,440 minutes", "1440 minutes"),
        ("That one is the second, a third of it", "that one is the second, a third of it"),
        ("on the 3rd", "on the 3rd"),
        ("no numbers", "no numbers"),
    ],
)
def test_in_digits(written, digits):
    assert in_digits(written) == digits


def test_sentences_are_cut_at_marks_and_lines():
    assert sentences('It is 3.5. "Yes!" he said\n- one\n\n') == [
        "It is 3.5.",
        '"Yes!',
        "he said",
        "- one",
    ]
    assert sentences(" ") == []


def test_words_keep_their_apostrophes_only():
    assert words("Café-bar, it’s “fine”!") == ["café", "bar", "it's", "fine"]
