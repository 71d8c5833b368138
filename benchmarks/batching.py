"""Conversations at once on one model of transformers: first audio and tokens a second.

Each conversation asks one question after another, in writing, and speaks the answers; all are held
at the same time by one process, as by `antiphon serve`. Measured twice, by turns, so that a busy
machine troubles both: with their steps read together, and each conversation by itself. Where there
is a GPU this is what to run:

    python benchmarks/batching.py [--llm NAME] [--device cuda] [--counts 1,4,8,16] [--json]

`--tokens N` leaves the voice away and lets every answer have N tokens: the language model alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
import typer
from report import script, show
from tqdm import tqdm

from antiphon import settings, weights
from antiphon.agent import Agent
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.compute import cpu_threads, torch_device
from antiphon.errors import UserError
from antiphon.llm import chat_template, transformers_model
from antiphon.llm.tokenizer import load_tokenizer
from antiphon.llm.transformers_model import TransformersLanguageModel
from antiphon.messages import Token
from antiphon.s2t.speech_to_text import SpeechToText
from antiphon.t2c import voice as voices

QUESTIONS = (
    "Why is the sky blue?",
    "What is the capital of France?",
    "How do I boil an egg?",
    "Tell me something about whales.",
    "What should I wear when it rains?",
    "Who wrote Romeo and Juliet?",
    "How far away is the moon?",
    "What can I do against a headache?",
)
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True)
class Answer:
    """One answer of one conversation."""

    first: float
    """Seconds until its first sound; without a voice, until its first token."""
    tokens: int
    """That the language model wrote."""


def main(
    llm: Annotated[str, typer.Option(help="Language model; empty: that of the settings.")] = "",
    device: Annotated[str, typer.Option(help="Where it computes; empty: as it is set.")] = "",
    counts: Annotated[str, typer.Option(help="Of conversations at once.")] = "1,4,8",
    turns: Annotated[int, typer.Option(min=1, help="Of every conversation.")] = 3,
    tokens: Annotated[int, typer.Option(min=0, help="Of an unspoken answer; 0: speak.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Of which the median is given.")] = 3,
    precision: Annotated[str, typer.Option(help=f"One of {', '.join(PRECISIONS)}.")] = "bfloat16",
    json: Json = False,
) -> None:
    """Measure conversations at once."""
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision '{precision}': give {' or '.join(PRECISIONS)}.")
    at_once = sizes(counts)
    chosen = settings.load(settings.Models)
    name, where = llm or chosen.llm, torch_device.use(device or chosen.device)
    cpu_threads.use(chosen.threads)
    with chatter_to_stderr():
        weighed = transformers_model.read_model(weights.path(name)).to(where, PRECISIONS[precision])
        tokenizer = load_tokenizer(weights.path(name))
        ways: dict[str, Callable[[str], Answer]] = {}
        for way in ("together", "alone"):
            model = TransformersLanguageModel(weighed, tokenizer, name, batch=way == "together")
            s2t = speech_to_text(model)
            ways[way] = partial(unspoken, s2t, tokens) if tokens else spoken(s2t)
        for answer in ways.values():
            answer(QUESTIONS[0])  # what all prompts begin with is read, and a GPU warms up
        found: dict[str, Any] = {"llm": name, "device": device_name(where), "precision": precision}
        for count in at_once:
            runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for _ in tqdm(range(rounds), desc=f"{count} at once", leave=False):
                for way, answer in ways.items():
                    runs[way].append(conversations(answer, count, turns))
            found[str(count)] = {way: medians(measured) for way, measured in runs.items()}
    show(found, json)


def speech_to_text(llm: TransformersLanguageModel) -> SpeechToText:
    """Writes answers; it has no ears."""
    ears: Any = None
    return SpeechToText(llm, ears, None, chat_template.system_prompt(), chat_template.EXAMPLES)


def unspoken(s2t: SpeechToText, tokens: int, question: str) -> Answer:
    """An answer of so many tokens, whatever they are."""
    began = time.perf_counter()
    front = s2t.read_ahead()
    asked = [*chat_template.encode(s2t.llm.tokenizer, question), *front.after]
    llm: Any = s2t.llm
    _, logits, cache = llm.read(llm.embeddings[asked], front.cache)
    first = time.perf_counter() - began
    for _ in range(tokens - 1):
        _, logits, cache = llm.write(int(logits.argmax()), cache)
    return Answer(first, tokens)


def spoken(s2t: SpeechToText) -> Callable[[str], Answer]:
    """Answers aloud."""
    chosen = settings.load(settings.Models)
    agent = Agent(s2t, voices.from_pretrained(chosen.voice, s2t.llm), source=chosen.source)

    def answer(question: str) -> Answer:
        began, first, written = time.perf_counter(), float("nan"), list[Token]()

        def noted(tokens: Iterator[Token]) -> Iterator[Token]:
            for token in tokens:
                written.append(token)
                yield token

        tokens, source = agent.reply(question)
        for number, _ in enumerate(agent.speak(agent.trigger.cut(noted(tokens)), source=source)):
            first = first if number else time.perf_counter() - began
        return Answer(first, len(written))

    return answer


def conversations(answer: Callable[[str], Answer], count: int, turns: int) -> dict[str, float]:
    """So many at once: seconds to the first sound, and tokens a second of all of them.

    A busy machine changes less what a token took of the processor.
    """

    def hold(number: int) -> list[Answer]:
        return [answer(QUESTIONS[n % len(QUESTIONS)]) for n in range(number, number + turns)]

    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(count) as pool:
        answers = [each for held in pool.map(hold, range(count)) for each in held]
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    first, tokens = [each.first for each in answers], sum(each.tokens for each in answers)
    return {
        "first_s_median": statistics.median(first),
        "first_s_max": max(first),
        "tokens_per_s": tokens / seconds,
        "processor_s_per_token": worked / tokens,
    }


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure."""
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def sizes(counts: str) -> list[int]:
    """Numbers of conversations.

    Raises:
        UserError: They are none.
    """
    found = counts.split(",")
    if not all(count.strip().isdecimal() and int(count) for count in found):
        raise UserError(f"'{counts}' are no numbers of conversations: give some, as in 1,4,8.")
    return [int(count) for count in found]


def device_name(device: torch.device) -> str:
    """What it is sold as, if it tells."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    script(main)
