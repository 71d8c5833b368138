"""How a conversation is written for the language model: by its own chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.errors import UserError
from antiphon.messages import Turn

QUESTION_MARKER = "<|antiphon question|>"
"""Stands for the question while the template is cut around it."""
SPOKEN_STYLE = (
    "You are Antiphon, a friendly voice assistant: a computer program, not a human. You cannot "
    "see, call or look up anything. What you say is spoken aloud, so answer in one or two short "
    "sentences, the answer first, without lists or markup. If you do not know, say so."
)
"""The system prompt of a language model that was not trained to answer as one speaks."""
EXAMPLES = tuple(
    turn
    for asked, answered in (
        ("Hi there!", "Hello! What can I do for you?"),
        ("Did you sleep well?", "I'm a program, so I never sleep. Did you?"),
        (
            "Please order a pizza.",
            "Ordering is beyond me, but I can help you choose. Do you like it spicy?",
        ),
        ("What is outside my window?", "I can't see your window, so I don't know. What is there?"),
        (
            "I'm so tired. My sister's baby, Moritz, cried all night.",
            "I'm sorry to hear that. Perhaps you can rest a little today.",
        ),
        (
            "Give me some tips against stress.",
            "Take a walk every day, breathe slowly, and talk to a friend about it.",
        ),
        ("Are you a real person?", "No, I'm a computer program. But I'm happy to talk with you."),
        ("Where did you grow up?", "Nowhere. I'm a program, so I have no past."),
        ("What's my sister's baby called again?", "Your sister's baby is called Moritz."),
        ("Do you know where I live?", "No, you haven't told me yet."),
    )
    for turn in (Turn("user", asked), Turn("assistant", answered))
)
"""Turns in front of the conversation that show such a model the style: small ones follow examples
where they do not follow instructions."""
TOLD = ' (I told you: "{}")'
"""Stands behind a question that it may answer."""
MAX_PERSONA_WORDS = 300
"""Longest persona: the language model reads it before every conversation."""


def system_prompt(persona: str = "", *, trained: bool = False) -> str:
    """What a language model is told before a conversation.

    Args:
        persona: who it is to be; empty: nobody in particular.
        trained: whether it answers as one speaks without being told.

    Raises:
        UserError: The persona is too long.
    """
    if (words := len(persona.split())) > MAX_PERSONA_WORDS:
        raise UserError(
            f"The persona has {words} words: give {MAX_PERSONA_WORDS} at most, what matters first."
        )
    return " ".join(filter(None, ["" if trained else SPOKEN_STYLE, persona.strip()]))


def split_at_question(
    tokenizer: Any, history: Sequence[Turn] = (), system: str = ""
) -> tuple[list[int], list[int]]:
    """Tokens in front of the next question and after it, up to where the reply begins.

    Args:
        tokenizer: of the language model.
        history: the turns before.
        system: the system prompt. If it is empty, a ChatML model is given none at all, since its
            template would bring one of its own.

    Raises:
        UserError: The model's template has no place for the question.
    """
    if not system and token_id(tokenizer, "<|im_start|>") is not None:
        before = "".join(f"<|im_start|>{t.role}\n{t.text}<|im_end|>\n" for t in history)
        before, after = before + "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
        return encode(tokenizer, before), encode(tokenizer, after)
    messages = [{"role": turn.role, "content": turn.text} for turn in history]
    messages.append({"role": "user", "content": QUESTION_MARKER})
    if system:
        messages.insert(0, {"role": "system", "content": system})
    # What is thought aloud before the answer would only delay it.
    thinks = "enable_thinking" in (getattr(tokenizer, "chat_template", None) or "")
    more = {"enable_thinking": False} if thinks else {}
    whole: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, **more
    )
    before, found, after = whole.partition(QUESTION_MARKER)
    if not found:
        raise UserError(
            "The language model's chat template leaves the question out: choose an instruct "
            "model, or mend its chat_template.jinja."
        )
    return encode(tokenizer, before), encode(tokenizer, after)


def encode(tokenizer: Any, text: str) -> list[int]:
    """Tokens of `text` without any the tokenizer would add."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def stop_tokens(tokenizer: Any, given: int | Sequence[int] | None = None) -> frozenset[int]:
    """Tokens that end a reply: those of the tokenizer, and those its model's config names."""
    found = {given} if isinstance(given, int) else set(given or ())
    marks = (token_id(tokenizer, mark) for mark in ("<|im_end|>", "<|eot_id|>"))
    return frozenset(i for i in (*found, *marks, tokenizer.eos_token_id) if i is not None)


def token_id(tokenizer: Any, mark: str) -> int | None:
    """The token spelled `mark`, if there is one; listing the vocabulary would take 30 ms."""
    ids = encode(tokenizer, mark)
    return ids[0] if len(ids) == 1 and tokenizer.decode(ids) == mark else None
