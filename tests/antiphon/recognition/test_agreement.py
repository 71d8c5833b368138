from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.agreement import Growing, close, hear

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=7).map(" ".join)


def test_what_two_hearings_agree_on_is_given_out_and_the_rest_held_back():
    growing = hear(hear(Growing(), "the cat sat"), "the cat sad on a")
    assert growing.partial.text == "the cat"
    assert growing.partial.unsure == "sad on a"


def test_the_last_word_may_be_cut_and_waits():
    assert hear(hear(Growing(), "go to the sta"), "go to the sta").partial.text == "go to the"


def test_a_word_that_turns_out_to_be_another_is_not_said_twice():
    growing = hear(hear(Growing(), "the cat sat on"), "the cat sat on")
    assert close(growing, "a cat sat on the mat").partial.text == "the cat sat on the mat"


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=12))
def test_text_only_grows(steps):
    growing, shown = Growing(), Growing().shown
    for text, over in steps:
        growing = (close if over else hear)(growing, text)
        assert growing.shown[: len(shown)] == shown
        shown = growing.shown
