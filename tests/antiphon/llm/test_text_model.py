"""Messages to a text model, and tokens from its text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.llm.text_model import TextVocabulary, messages, tokens
from antiphon.messages import Turn
from antiphon.t2c.spelling import text_tokens
from antiphon.t2c.trigger import BreathTrigger


def test_turns_become_messages_of_speakers_who_take_turns():
    history = [
        Turn("assistant", "Hello."),
        Turn("user", "Who"),
        Turn("user", "are you?"),
        Turn("assistant", "A voice."),
    ]
    assert messages(history, "Be kind.") == [
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "A voice."},
    ]
    assert messages([]) == []


@given(st.lists(st.sampled_from(["Par", "is", " ", "\n", "is big.", " It ", "é"])))
def test_tokens_spell_the_text_and_begin_where_words_do(pieces):
    found = [token.text for token in tokens(pieces)]
    assert "".join(found) == "".join(pieces).strip()
    assert all(not text[:1].isspace() for text in found[:1])
    assert all(not text[-1:].isspace() and len(text.split()) == 1 for text in found)


def test_a_server_whose_pieces_end_in_a_space_is_spoken_in_segments_too():
    pieces = [
        "Well, ",
        "the ",
        "capital ",
        "of ",
        "France ",
        "is ",
        "Paris. ",
        "It ",
        "is ",
        "big.",
    ]
    segments = list(BreathTrigger().cut(tokens(pieces)))
    assert len(segments) >= 2 and segments[-1].final
    assert "".join(segment.text for segment in segments) == "".join(pieces)
    assert segments[0].hidden.shape == (len(segments[0].tokens), 0)


@given(st.text(max_size=40))
def test_words_of_a_given_text(text):
    found = list(text_tokens(text, TextVocabulary("http://localhost/v1")))
    assert "".join(token.text for token in found) == text
