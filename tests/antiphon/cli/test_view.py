"""What events say to a user."""

from __future__ import annotations

from antiphon.cli.view import sentence
from antiphon.runtime import events


def test_the_rate_of_hearing_is_shown_if_there_are_several():
    assert sentence(events.Transcript(0, "Hello.")) == "You: Hello."
    coarse = events.Transcript(0, "Hello.", rate=8)
    assert sentence(coarse) == "You: Hello. (heard at rate 8)"
