"""Scripted conversations: the share of checks a language model's replies pass, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from antiphon.evaluation.chat import answers, honesty, style
from antiphon.evaluation.chat.conversations import Conversation, Line
from antiphon.evaluation.scores import ratio_interval
from antiphon.messages import Turn
from antiphon.runtime.session.memory import Memory

Respond = Callable[[str, Sequence[Turn]], str]
"""Answers what the user says after the turns before."""


@dataclass(frozen=True)
class Check:
    """A rule applied to a reply."""

    kind: str
    said: str
    """By the user."""
    reply: str
    passed: bool
    wanted: Any = True


@dataclass(frozen=True)
class Exchange:
    """What a rule may look at."""

    line: Line
    reply: str
    asked: str
    """All that the user has said so far."""
    before: str
    """The reply before."""


def _answered(exchange: Exchange, wanted: Any) -> bool:
    return answers.answers(exchange.reply, wanted, exchange.asked, exchange.line.also)


EXPECTED: Mapping[str, Callable[[Exchange, Any], bool]] = {
    "arithmetic": _answered,
    "facts": _answered,
    "memory": _answered,
    "context": _answered,
    "unknown": lambda exchange, _: honesty.admits_not_knowing(exchange.reply, exchange.asked),
    "claims": lambda exchange, _: honesty.claims_nothing(exchange.reply),
    "persona": lambda exchange, wanted: honesty.keeps_persona(
        exchange.reply, says_what=wanted == "what"
    ),
}
STYLE: Mapping[str, Callable[[Exchange], bool]] = {
    "length": lambda exchange: style.seconds(exchange.reply) <= exchange.line.seconds,
    "markup": lambda exchange: style.free_of_markup(exchange.reply),
    "repetition": lambda exchange: style.free_of_repetition(
        exchange.reply, exchange.before, exchange.line.say
    ),
    "english": lambda exchange: style.in_english(exchange.reply),
    "directness": lambda exchange: style.answers_first(exchange.reply, exchange.line.say),
}


def evaluate(
    judged: Sequence[Conversation], respond: Respond, memory_tokens: int, *, wrong: bool = False
) -> dict[str, Any]:
    """The share of checks passed, overall with its 95 % interval and by kind.

    Args:
        judged: the conversations.
        respond: the language model.
        memory_tokens: what it is shown of a conversation, as in one that is spoken.
        wrong: whether to list the failed checks.
    """
    found = [
        list(checks(conversation, talk(conversation, respond, memory_tokens)))
        for conversation in tqdm(judged, desc="chat", unit="conversation")
    ]
    every = [check for of_one in found for check in of_one]
    kinds = [kind for kind in (*EXPECTED, *STYLE) if any(check.kind == kind for check in every)]
    result: dict[str, Any] = {
        "passed": share(every),
        "interval": interval(found),
        "checks": len(every),
        "conversations": len(found),
        "kinds": {
            kind: {"passed": share(of_kind), "checks": len(of_kind)}
            for kind in kinds
            if (of_kind := [check for check in every if check.kind == kind])
        },
    }
    if wrong:
        result["failed"] = [
            {"kind": each.kind, "said": each.said, "reply": each.reply, "wanted": each.wanted}
            for each in every
            if not each.passed
        ]
    return result


def table(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same for people, a line a kind and a line a failed check."""
    low, high = result["interval"]
    lines: dict[str, Any] = {
        "passed": f"{result['passed']:.3f} of {result['checks']} ({low:.2f} to {high:.2f})",
        "conversations": result["conversations"],
    }
    for kind, of_kind in result["kinds"].items():
        lines[kind] = f"{of_kind['passed']:.3f} of {of_kind['checks']}"
    for each in result.get("failed", ()):
        lines[f"{each['kind']}: {each['said']}"] = each["reply"] or "(nothing)"
    return lines


def talk(conversation: Conversation, respond: Respond, memory_tokens: int) -> list[Exchange]:
    """The conversation, held with the language model's own replies in its memory."""
    memory, asked, before = Memory(memory_tokens), "", ""
    found = []
    for line in conversation.lines:
        reply = respond(line.say, memory.context()).strip()
        asked = f"{asked} {line.say}"
        found.append(Exchange(line, reply, asked, before))
        memory.add(Turn("user", line.say))
        if reply:
            memory.add(Turn("assistant", reply))
        before = reply
    return found


def checks(conversation: Conversation, exchanges: Sequence[Exchange]) -> Iterator[Check]:
    """Every reply's own checks, then those of style, each over the whole conversation.

    Who says nothing passes none.
    """
    for each in exchanges:
        for kind, wanted in each.line.expected.items():
            wrong = answers.mentions(each.reply, each.line.wrong)
            passed = bool(each.reply) and EXPECTED[kind](each, wanted) and not wrong
            yield Check(kind, each.line.say, each.reply, passed, wanted)
    for kind in conversation.style:
        failed = [each for each in exchanges if not (each.reply and STYLE[kind](each))]
        worst = (failed or exchanges)[0]
        yield Check(kind, worst.line.say, worst.reply, not failed)


def share(found: Sequence[Check]) -> float:
    """The share passed; NaN of nothing."""
    return round(sum(c.passed for c in found) / len(found), 4) if found else float("nan")


def interval(found: Sequence[Sequence[Check]], seed: int = 0) -> list[float]:
    """95 % interval of the share passed, drawn over conversations (percentile bootstrap)."""
    passed = [sum(check.passed for check in of_one) for of_one in found]
    return [round(bound, 4) for bound in ratio_interval(passed, [*map(len, found)], seed)]
