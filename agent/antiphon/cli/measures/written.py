"""Commands of `antiphon eval` that need no data: everything is written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon import settings
from antiphon.cli.options import given_or
from antiphon.cli.output import Json, chatter_to_stderr, show
from antiphon.settings import Models

if TYPE_CHECKING:
    from antiphon.evaluation.measures.chat import Respond
    from antiphon.messages import Turn


def normalization(
    wrong: Annotated[bool, typer.Option("--wrong", help="List what is read wrong.")] = False,
    json: Json = False,
) -> None:
    """Numbers, codes, dates, signs and scripts read as a person would. Needs no data."""
    from antiphon.evaluation.measures.normalization import cases, evaluate, table
    from antiphon.text import spoken

    result = evaluate(lambda text: spoken(text).text, cases(), wrong=wrong)
    show(json, "Text read as a person would", result if json else table(result))


def chat(
    llm: Annotated[str, given_or(Models, "llm")],
    limit: Annotated[int | None, typer.Option(min=1, help="Hold at most so many.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="List failed checks with --json.")] = False,
    json: Json = False,
) -> None:
    """Sixty scripted conversations in writing, checked by rules. Needs no data."""
    from antiphon.evaluation.chat.conversations import conversations
    from antiphon.evaluation.measures.chat import evaluate, table

    held = conversations()
    random.Random(0).shuffle(held)  # a few of them are of all kinds
    memory = settings.load(settings.Conversation).memory_tokens
    with chatter_to_stderr():
        result = evaluate(held[:limit], responding(llm), memory, wrong=wrong or not json)
    show(json, "Conversations", result if json else table(result))


def responding(llm: str) -> Respond:
    """A language model that reads and writes; tests put another one here."""
    from antiphon.s2t.speech_to_text import SpeechToText

    s2t = SpeechToText.from_pretrained(llm, ears="cascade")  # no ears have to fit the model

    def respond(text: str, history: Sequence[Turn]) -> str:
        return "".join(token.text for token in s2t.reply(text, history))

    return respond
