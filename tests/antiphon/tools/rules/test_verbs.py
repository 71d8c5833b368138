import pytest

from antiphon.tools.rules.verbs import action_words, forms, leading_verbs
from antiphon.tools.tool import Tool


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("lock", "locks locked locking"),
        ("raise", "raises raised raising"),
        ("grip", "gripped gripping"),
        ("hide", "hid hidden hiding"),
        ("carry", "carries carried"),
        ("plug in", "plugged in"),
    ],
)
def test_forms_of_a_verb(verb, said):
    for form in ["plugged in"] if " " in verb else said.split():
        assert form in forms(verb)


@pytest.mark.parametrize(
    ("description", "verbs"),
    [
        ("Lock or unlock the door.", ("lock", "unlock")),
        ("Washes the clothes.", ("wash",)),
        ("Turn the light on or off.", ("turn",)),
        ("", ()),
    ],
)
def test_verbs_a_description_begins_with(description, verbs):
    assert leading_verbs(description) == verbs


def test_a_command_begins_with_an_infinitive_and_other_forms_speak_of_it():
    words = action_words(Tool("lock_door", "Lock or unlock the door."))
    assert words.command.match("unlock it") and not words.command.match("unlocked it was")
    assert words.any_form.search("it was unlocked") and not words.any_form.search("a clock")
