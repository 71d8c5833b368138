import pytest

from antiphon.tools.rules.consent import after_yes, answer


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(
            (text, "yes")
            for text in ("Yes.", "yes please", "Okay, do it.", "That's right.", "Sure")
        ),
        *(
            (text, "no")
            for text in ("No.", "Please don’t.", "Not now.", "Wait!", "No, the left one.")
        ),
        *((text, "again") for text in ("What?", "Pardon?", "Could you repeat that?")),
        *((text, None) for text in ("Yes, but later.", "Yes, no.", "Turn left.", "", "Yesterday.")),
    ],
)
def test_what_an_answer_means(text, meant):
    assert answer(text) == meant


@pytest.mark.parametrize(
    ("text", "rest"),
    [("Yes, unlock it.", "unlock it."), ("Unlock it.", ""), ("Yesterday.", ""), ("Yes.", "")],
)
def test_what_follows_a_yes(text, rest):
    assert after_yes(text) == rest
