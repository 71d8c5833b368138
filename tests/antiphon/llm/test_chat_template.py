"""A conversation is written as the model's own template has it, around the question."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from antiphon.errors import UserError
from antiphon.llm.chat_template import (
    MAX_PERSONA_WORDS,
    SPOKEN_STYLE,
    encode,
    split_at_question,
    system_prompt,
)
from antiphon.llm.tokenizer import LightTokenizer, load_tokenizer
from antiphon.messages import Turn

HISTORY = (Turn("user", "hi"), Turn("assistant", "hello"))
TEMPLATE = """{% if messages[0]["role"] != "system" %}
<|im_start|>system
You are a model of tests.<|im_end|>
{% endif %}
{%- for message in messages %}
    {{- "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|im_start|>assistant\\n" }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- "<think>\\n\\n</think>\\n\\n" }}
    {%- endif %}
{%- endif %}"""


@pytest.fixture
def folder(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE)
    return tmp_path


def written(tokenizer, history: tuple[Turn, ...] = (), system: str = "") -> str:
    before, after = split_at_question(tokenizer, history, system)
    return tokenizer.decode([*before, *encode(tokenizer, "why?"), *after])


def test_the_system_prompt_comes_first_and_nothing_is_thought_aloud(folder) -> None:
    assert written(load_tokenizer(folder), HISTORY, "Be brief.") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\nhello<|im_end|>\n<|im_start|>user\nwhy?<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )


def test_without_a_system_prompt_the_template_brings_none_of_its_own(folder) -> None:
    assert written(load_tokenizer(folder)) == (
        "<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_light_tokenizer_fills_in_the_template_as_transformers_does(folder) -> None:
    light, heavy = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    assert isinstance(light, LightTokenizer)
    for system in ("", "Be brief."):
        assert written(light, HISTORY, system) == written(heavy, HISTORY, system)


def test_a_template_without_a_place_for_the_question_is_refused(folder) -> None:
    (folder / "chat_template.jinja").write_text("Hello.")
    with pytest.raises(UserError, match="leaves the question out"):
        split_at_question(load_tokenizer(folder), (), "Be brief.")


def test_a_persona_joins_the_style_unless_that_was_trained() -> None:
    assert system_prompt() == SPOKEN_STYLE
    assert system_prompt("You are Ada.") == f"{SPOKEN_STYLE} You are Ada."
    assert system_prompt(trained=True) == ""
    assert system_prompt(" You are Ada.\n", trained=True) == "You are Ada."


def test_a_persona_of_ten_thousand_words_is_refused() -> None:
    with pytest.raises(UserError, match=f"10000 words: give {MAX_PERSONA_WORDS} at most"):
        system_prompt("word " * 10_000)
