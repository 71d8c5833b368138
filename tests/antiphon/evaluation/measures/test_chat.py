"""Conversations with models that are known to be good, bad or forgetful."""

import pytest

from antiphon.evaluation.chat.conversations import Conversation, Line, conversations
from antiphon.evaluation.measures.chat import Check, checks, evaluate, interval, table, talk

NAME = Conversation(
    (
        Line("My name is Marta."),
        *(Line(f"Say {i}.") for i in range(20)),
        Line("What's my name?", {"memory": ["Marta"]}),
    ),
    ("length", "repetition"),
)


def reader(text, history):
    """Knows what it is shown, and nothing else."""
    shown = " ".join(turn.text for turn in history if turn.shown)
    if text == "What's my name?":
        return "Marta." if "Marta" in shown else "I don't know."
    return f"You told me to say {text.split()[1]} right now."


def test_a_fact_survives_the_memory_window():
    result = evaluate([NAME], reader, 400)
    assert result["kinds"]["memory"] == {"passed": 1, "checks": 1}


def test_a_fact_the_memory_does_not_keep_is_lost():
    forgotten = Conversation((Line("Marta it is."), *NAME.lines[1:]), NAME.style)
    assert evaluate([forgotten], reader, 400)["kinds"]["memory"]["passed"] == 0


def test_what_left_the_window_can_still_be_looked_up():
    told = {}

    def respond(text, history):
        told[text] = [turn.shown for turn in history if turn.text == "Marta it is."]
        return "Yes."

    talk(Conversation((Line("Marta it is."), *NAME.lines[1:]), ()), respond, 400)
    assert told["Say 0."] == [True] and told["What's my name?"] == [False]


def test_the_models_own_replies_are_its_history():
    seen = []

    def respond(text, history):
        seen.append([turn.text for turn in history])
        return f" {text}! " if text != "b" else ""

    talk(Conversation((Line("a"), Line("b"), Line("c")), ()), respond, 400)
    assert seen == [[], ["a", "a!"], ["a", "a!", "b"]]


def test_shares_and_failed_checks():
    asked = Conversation(
        (
            Line("Two plus two?", {"arithmetic": 4}),
            Line("And the capital of Italy?", {"facts": ["Rome"]}, wrong=("Paris",)),
        ),
        ("markup",),
    )
    replies = iter(["Four.", "**Rome**, like Paris."])
    result = evaluate([asked], lambda text, history: next(replies), 400, wrong=True)
    assert result["passed"] == pytest.approx(1 / 3, abs=1e-4)
    assert result["checks"] == 3 and result["conversations"] == 1
    assert result["kinds"]["arithmetic"]["passed"] == 1
    assert [each["kind"] for each in result["failed"]] == ["facts", "markup"]
    assert table(result)["markup: And the capital of Italy?"] == "**Rome**, like Paris."
    assert table(result)["passed"].startswith("0.333 of 3")


def test_style_is_checked_once_a_conversation():
    exchanges = talk(NAME, lambda text, history: "The same every time.", 400)
    found = {check.kind: check for check in checks(NAME, exchanges)}
    assert found["length"].passed and not found["repetition"].passed
    assert found["repetition"].said == "Say 0."  # the first that repeats


def test_a_long_reply_passes_where_it_is_asked_for():
    told = "word " * 60

    def passes(seconds):
        asked = Conversation((Line("Tell me.", seconds=seconds),), ("length",))
        return evaluate([asked], lambda text, history: told, 400)["passed"]

    assert passes(40.0) == 1 and passes(12.0) == 0


def test_who_says_nothing_passes_nothing():
    assert evaluate(conversations(), lambda text, history: "", 400)["passed"] == 0


def test_who_always_says_the_same_passes_little():
    result = evaluate(conversations(), lambda text, history: "I don't know.", 400)
    assert result["passed"] < 0.6
    assert all(result["kinds"][kind]["passed"] < 0.1 for kind in ("arithmetic", "facts", "memory"))


def test_the_interval_is_drawn_over_conversations():
    good, bad = Check("a", "", "", True), Check("a", "", "", False)
    low, high = interval([[good] * 5, [bad] * 5] * 20)
    assert low < 0.5 < high and high - low > 0.2
    assert interval([[good]]) == [1, 1]
    assert all(bound != bound for bound in interval([]))
