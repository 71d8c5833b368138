"""What sounds like speech, and what is only for the eye."""

import pytest

from antiphon.evaluation.chat.style import (
    answers_first,
    free_of_markup,
    free_of_repetition,
    in_english,
    seconds,
)


def test_seconds_count_words_as_they_are_spoken():
    assert seconds("one two three " * 9) == pytest.approx(10)
    assert seconds("1999") > seconds("two")
    assert seconds("") == 0


@pytest.mark.parametrize(
    "reply",
    [
        "It's 56. Another one?",
        "56. That was easy.",
        "First the eggs, then the flour; mix them well.",
        "At 3:30 it's 20 °C (68 °F), and 5 % of $40 is $2.",
        "Well-known, half-baked - and done.\n\nBye.",
        "He was born in 1. The year was 12.",
    ],
)
def test_what_can_be_said(reply):
    assert free_of_markup(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "1. Apples\n2. Pears",
        "They are 1) apples 2) pears",
        "- apples\n- pears",
        "Fruits:\n• apples",
        "**Apples** are good",
        "*smiles* Hello",
        "# Fruits",
        "Use `print`",
        "```python\nprint()\n```",
        "See https://example.org/a",
        "Look at wikipedia.org for more.",
        "[here](a.html)",
        "Great 😀",
        "Great ☺️",
        "Great :-)",
        "a <b>bold</b> word",
        "| a | b |",
        r"\(7 \times 8\)",
        "an _important_ word",
    ],
)
def test_markup(reply):
    assert not free_of_markup(reply)


@pytest.mark.parametrize(
    ("reply", "before", "free"),
    [
        ("It is blue. It is big.", "", True),
        ("No. No. I mean it.", "", True),
        ("I like tea.", "I like coffee.", True),
        ("I don't know.", "I don’t know.", True),
        ("I like tea. I like tea!", "", False),
        ("I believe it's No.", "I believe it's No.", False),
        ("I like tea, I LIKE tea.", "", True),
        ("We go to the sea and go to the sea and go to the sea", "", False),
        ("I can't do that for you.", "I can’t do that for you", False),
        ("", "", True),
    ],
)
def test_repetition(reply, before, free):
    assert free_of_repetition(reply, before) is free


def test_the_users_own_words_are_repetition():
    said = "I can't stand olives at all."
    assert not free_of_repetition(said, "Hello!", said)


@pytest.mark.parametrize(
    ("reply", "english"),
    [
        ("Paris.", True),
        ("Buongiorno!", True),
        ("Gracias.", True),
        ("In Spanish you say muchas gracias.", True),
        ("Hello! How are you?", True),
        ("It's in São Paulo, near the café.", True),
        ("Estoy muy bien, gracias.", False),
        ("¡Hola! ¿Cómo estás?", False),
        ("Hello! Ich bin nicht sicher. What can I do?", False),
        ("你好", False),
        ("I am fine, спасибо.", False),
        ("Je suis très content", False),
    ],
)
def test_english(reply, english):
    assert in_english(reply) is english


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("What's the capital of France?", "The capital of France is Paris."),
        ("What's seven times eight?", "Seven times eight is fifty-six."),
        ("Can you tell me a joke?", "Sure! Why did the tomato blush?"),
        ("Is the sun a star?", "The sun is a star."),
        ("What's bigger, a cat or a mouse?", "A cat is bigger."),
        ("What do you call a house of snow?", "That's a snow house."),
        ("Which day comes after Tuesday?", "Tuesday comes after Tuesday."),
        ("What can you do for me?", "I can do that for you."),
        ("Name a good book.", "A good one is Heidi."),
        ("I passed my exam!", "I'm glad to hear that!"),
    ],
)
def test_the_answer_comes_first(asked, reply):
    assert answers_first(reply, asked)


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("What's the capital of France?", "What is the capital of France? It's Paris."),
        ("What's the capital of France?", "The capital of France."),
        ("What's the capital of France?", "Great question! It's Paris."),
        ("What's the capital of France?", "That’s a really good question. Paris."),
        ("What's the capital of France?", "Sure, it's Paris."),
        ("So, why do we yawn?", "Certainly! We yawn when we're tired."),
        ("Is the sun a star?", "Is the sun a star? Yes."),
        ("Why do we yawn?", "I'd be happy to help you with that. Because of sleep."),
        ("Why do we yawn?", "You're asking why we yawn."),
        ("Why do we yawn?", "As an AI, I don't yawn."),
        ("Why do we yawn?", "Let me think. Because we're tired."),
        ("Why do we yawn?", ""),
    ],
)
def test_something_else_comes_first(asked, reply):
    assert not answers_first(reply, asked)
