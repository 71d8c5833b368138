"""Right answers in the many ways people give them, and answers that only look right."""

import pytest

from antiphon.evaluation.chat.answers import answers, gives_number, mentions

SEVEN_TIMES_EIGHT = "What's seven times eight?"


@pytest.mark.parametrize(
    "reply",
    [
        "56",
        "Fifty-six.",
        "fifty six",
        "It’s 56!",
        "The answer is 7 times 8, which is 56.",
        "7 x 8 = 56",
        "7*8=56",
        "7 × 8 is 56.",
        "That's an easy one: fifty-six.",
        "Seven times eight is fifty-six. Anything else, maybe nine times nine?",
        "Seven times seven is forty-nine, plus seven is fifty-six.",
        "Well, 8 times 5 is 40 and 8 times 2 is 16, so it's 56.",
        "Eight sevens are fifty-six, my first guess.",
        "We multiply these two numbers:\n1. Take 7.\n2. Take 8.\n\\[ 7 \\times 8 = 56 \\]",
    ],
)
def test_the_right_number(reply):
    assert gives_number(reply, 56, SEVEN_TIMES_EIGHT)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Seven times eight is twenty-seven.",
        "Fifty-six or fifty-seven.",
        "It's 54. No, it's 56.",
        "Seven times eight is 56, and seven times seven is 48.",
        "7 times 8 is 7.",
        "It's five hundred and sixty.",
        "It is minus 56.",
        "Is it fifty-six?",
        "156",
        "I can't work out seven times eight.",
    ],
)
def test_the_wrong_number(reply):
    assert not gives_number(reply, 56, SEVEN_TIMES_EIGHT)


def test_an_operand_is_no_answer():
    asked = "What's ten minus five?"
    assert not gives_number("I can't do ten minus five.", 5, asked)
    assert gives_number("Ten minus five is five.", 5, asked)
    assert gives_number("10 - 5 = 5", 5, asked)
    assert not gives_number("10 - 5 = -5", 5, asked)


def test_things_are_counted():
    asked = "I've got twenty-four eggs and use nine. How many are left?"
    assert gives_number("24 eggs minus nine eggs is 15 eggs.", 15, asked)
    assert not gives_number("24 eggs minus nine eggs is 14 eggs.", 15, asked)
    assert not gives_number("It's minus fifteen.", 15, asked)


def test_a_longer_sum_and_a_division():
    assert gives_number("1 plus 8 plus 2 is 11", 11, "Add eight and two and one.", also=(1,))
    assert gives_number("48 divided by 6 equals 8.", 8, "What's 48 divided by 6?")
    assert not gives_number("48 divided by 6 equals 9.", 8, "What's 48 divided by 6?")


def test_other_numbers_that_may_be_said():
    reply = "Water boils at 100 degrees, which is 212 in Fahrenheit."
    assert gives_number(reply, 100, "", also=(212,))
    assert not gives_number(reply, 100)


def test_zero():
    assert gives_number("At zero degrees.", 0)


@pytest.mark.parametrize(
    ("reply", "words", "right"),
    [
        ("It's Paris, of course.", ["Paris"], True),
        ("paris", ["Paris"], True),
        ("Your name is Marta’s best friend", ["Marta"], True),
        ("It's not Paris.", ["Paris"], False),
        ("It isn't in Paris", ["Paris"], False),
        ("Not Paris but Lyon. No, wait: Paris!", ["Paris"], True),
        ("A comparison.", ["Paris"], False),
        ("You can't eat peanuts.", ["peanuts"], True),
        ("It flows 6,400 kilometers.", ["6400"], True),
        ("About six thousand four hundred kilometers.", ["6,400"], True),
        ("São Paulo", ["Sao Paulo", "São Paulo"], True),
        ("On the 9th of May", ["ninth of May", "9th of May"], True),
        ("A grey-blue one", ["gray", "grey"], True),
        ("", ["anything"], False),
        ("anything", [], False),
    ],
)
def test_words_that_are_mentioned(reply, words, right):
    assert mentions(reply, words) is right


def test_a_number_or_words():
    assert answers("Twelve.", 12) and not answers("Eleven.", 12)
    assert answers("Pink.", ["pink", "rose"]) and not answers("Blue.", ["pink", "rose"])
