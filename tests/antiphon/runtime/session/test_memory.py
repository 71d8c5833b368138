"""The window of memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.messages import Turn
from antiphon.runtime.session.memory import FOUND_AGAIN, Memory, tokens


def shown(memory):
    return [turn for turn in memory.context() if turn.shown]


def test_the_window_keeps_the_newest_turns_and_what_the_user_told():
    memory = Memory(300)
    memory.add(Turn("user", "Hello. My name is Anna. How are you?"))
    memory.add(Turn("assistant", "I am well."))
    for i in range(200):
        memory.add(Turn("user", f"What is the answer to question number {i}?"))
        memory.add(Turn("assistant", f"The answer to number {i} is known to everybody."))
    assert sum(tokens(turn.text) for turn in shown(memory)) <= 300
    assert "My name is Anna." in shown(memory)[0].text
    assert memory.turns[-1].text.startswith("The answer to number 199")
    assert memory.turns[0].role == "user"


turns = st.lists(
    st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text(max_size=200)),
    min_size=12,
    max_size=60,
)


@given(turns, st.integers(150, 600))
def test_a_context_never_outgrows_its_budget(given_turns, budget):
    memory = Memory(budget)
    for turn in given_turns:
        memory.add(turn)
        longest = max(tokens(turn.text) for turn in memory.turns)
        size = sum(tokens(turn.text) for turn in shown(memory))
        assert size <= max(budget, longest + budget // 5)
        assert memory.turns[-1] == turn


def test_the_beginning_of_the_prompt_stays_the_same_for_several_turns():
    memory, beginnings = Memory(400), set()
    for i in range(100):
        memory.add(Turn("user", f"What is the answer to question {i:03d}?"))
        memory.add(Turn("assistant", f"The answer to number {i:03d} is known to everybody."))
        beginnings.add(shown(memory)[0])
    assert len(beginnings) < 100 / 2


def test_what_left_the_window_can_be_found_again_until_all_is_forgotten():
    memory = Memory(200)
    memory.add(Turn("user", "The spare key hangs behind the mirror."))
    for i in range(30):
        memory.add(Turn("user", f"What is the answer to question {i}?"))
        memory.add(Turn("assistant", f"The answer to number {i} is known to everybody."))
    assert all("mirror" not in turn.text for turn in shown(memory))
    assert memory.context()[0] == Turn(
        "user", "The spare key hangs behind the mirror.", shown=False
    )
    memory.clear()
    assert memory.context() == ()


def test_of_an_endless_conversation_only_so_many_turns_are_kept():
    memory = Memory(200)
    for i in range(3 * FOUND_AGAIN):
        memory.add(Turn("user", f"This is sentence number {i}, and it has some length."))
    assert len(memory.context()) < FOUND_AGAIN + 20
