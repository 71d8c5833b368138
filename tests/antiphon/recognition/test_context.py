import pytest

from antiphon.recognition.context import echoes, entries

NAMES = ("Ada Lovelace", "Zuse", "Turing", "von Neumann", "Hopper")


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace, Zuse, Turing, von Neumann, Hopper",
        "Zuse, Turing, von Neumann.",
        "ada lovelace zuse turing von neumann hopper.",
        "Ada Lovelace, Zuse, Turing, von Neumann, and",
    ],
)
def test_reading_out_the_list_is_an_echo(text):
    assert echoes(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada Lovelace.",
        "Turing met von Neumann in Princeton.",
        "Hopper, Turing, Zuse.",
        "I like Ada Lovelace, Zuse, Turing, but none of the others that you named here.",
    ],
)
def test_saying_some_of_it_is_not(text):
    assert not echoes(text, NAMES)


def test_prose_as_context_can_be_echoed_too():
    assert echoes("a talk about diffusion", ("A talk about diffusion models",))


def test_entries_are_split_at_commas_and_lines():
    assert entries(" Ada Lovelace, Zuse;\nTuring,, ") == ("Ada Lovelace", "Zuse", "Turing")
