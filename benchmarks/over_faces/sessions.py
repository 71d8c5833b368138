"""How many conversations at once leave a fifth of a core; and four with the models."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from tqdm import tqdm

from antiphon import audio_file, weights
from antiphon.errors import UserError
from over_faces.client import module_of
from over_faces.hosting import serving

STEPS = (50, 100, 150, 200)
"""Sessions that are tried at once, until a core is too busy."""
CORE_SHARE = 0.8
TURN, SPOKEN, WORDS = 10.0, 2.0, 15
"""Seconds from question to question and of a question, and words of an answer, 0.2 s each."""
CROWDED_TURN, LATE = 30.0, 2.0
"""Seconds from question to question where many ask at once, and after which an answer is late."""
LOADING_SECONDS = 120.0
QUESTION_RATE = 16_000


async def asking(client: Any, begin: float, until: float) -> None:
    """A client that asks every ten seconds; its microphone is open all the time."""
    due = begin
    while due < until:
        await asyncio.sleep(due - time.perf_counter())
        speaks = due >= begin and (due - begin) % TURN < SPOKEN
        await client.hear(client.CHUNK, 0.5 if speaks else 0.0)
        due += client.CHUNK


async def sessions(face: str, seconds: float, steps: tuple[int, ...] = STEPS) -> dict[str, Any]:
    """How many clients that hold a conversation leave a fifth of a core to others.

    Args:
        face: of all of them.
        seconds: for which each number of clients is looked at.
        steps: numbers of clients that are tried.
    """
    module, most, shares = module_of(face), 0, dict[str, float]()
    client, limit = module.Client, getattr(module, "MAX_CLIENTS", steps[-1])
    steps = tuple(count for count in steps if count <= limit) or (limit,)
    for count in tqdm(steps, desc=f"sessions of {face}", leave=False):
        with serving(face, words=WORDS) as hosted:
            async with contextlib.AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(client(hosted.ports[face], f"R{number}"))
                    for number in range(count)
                ]
                now, chance = time.perf_counter() + 0.5, random.Random(0)
                begins = [now + chance.uniform(0, TURN) for _ in clients]
                until = now + TURN + seconds
                talks = [
                    asyncio.create_task(asking(each, begin, until))
                    for each, begin in zip(clients, begins, strict=True)
                ]
                await asyncio.sleep(now + TURN - time.perf_counter())  # then all of them talk
                used, since = hosted.cpu(), time.perf_counter()
                await asyncio.sleep(until - since)
                share = (hosted.cpu() - used) / (time.perf_counter() - since)
                await asyncio.gather(*talks)
        answered = sum(each.answers >= int(seconds // TURN) for each in clients)
        shares[str(count)] = round(share, 2)
        if share > CORE_SHARE or answered < count:
            break
        most = count
    return {"sessions": most, "core_share": shares}


# With the models


@contextmanager
def antiphon_serve(*options: str) -> Iterator[int]:
    """`antiphon serve --realtime` once it listens: its port.

    Args:
        options: such as "--llm" and a name.

    Raises:
        UserError: It does not begin.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "antiphon", "serve", "--realtime", "--port", str(port)]
    command += options
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.perf_counter() + LOADING_SECONDS
        while process.poll() is None and time.perf_counter() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                yield port
                return
            time.sleep(0.2)
        raise UserError("antiphon serve does not begin: try `antiphon serve --realtime`.")
    finally:
        process.terminate()
        process.wait(30)


def recorded_questions() -> list[Any]:
    """Each [N] at `QUESTION_RATE`."""
    paths = sorted(weights.assets("questions").glob("*.wav"))
    return [audio_file.read(path) for path in paths]


async def with_models(counts: tuple[int, ...], turns: int, llm: str = "") -> dict[str, Any]:
    """Seconds from the end of a recorded question to the first sound of its answer.

    Args:
        counts: of conversations at once, over the Realtime API.
        turns: of each of them.
        llm: the language model; empty: the default.
    """
    client, questions = module_of("realtime").Client, recorded_questions()
    found: dict[str, Any] = {}
    with antiphon_serve(*(("--llm", llm) if llm else ())) as port:
        for count in tqdm(counts, desc="sessions with models", leave=False):
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(client(port)) for _ in range(count)]
                talks = [
                    conversing(each, questions, turns, number, number * TURN / count)
                    for number, each in enumerate(clients)
                ]
                waits = await asyncio.gather(*talks)
            all_waits = [wait for each in waits for wait in each]
            found[str(count)] = {
                "first_audio_s_median": round(float(np.median(all_waits)), 2),
                "first_audio_s_max": round(max(all_waits), 2),
            }
    return found


async def at_once(
    count: int, turns: int, ears: str, rates: tuple[str, ...], llm: str = ""
) -> dict[str, Any]:
    """Robots that ask at the same moment, by the rate at which they are heard.

    Args:
        count: of robots.
        turns: of each of them; those of the first are left out: caches are cold.
        ears: a recognizer of several rates.
        rates: each a number, or auto.
        llm: the language model; empty: the default.

    Returns:
        By rate, `late`: the share of answers whose first sound came over `LATE` seconds after the
        end of the question, with the median of these seconds.
    """
    client, questions = module_of("realtime").Client, recorded_questions()
    found: dict[str, Any] = {}
    for rate in tqdm(rates, desc="robots at once", leave=False):
        options = ("--ears", ears, "--rate", rate, *(("--llm", llm) if llm else ()))
        with antiphon_serve(*options) as port:
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(client(port)) for _ in range(count)]
                talks = [
                    conversing(each, questions, turns + 1, number, 0.0, CROWDED_TURN)
                    for number, each in enumerate(clients)
                ]
                waits = [wait for each in await asyncio.gather(*talks) for wait in each[1:]]
        found[rate] = {
            "answers": len(waits),
            "late": round(float(np.mean(np.array(waits) > LATE)), 3),
            "first_audio_s_median": round(float(np.median(waits)), 2),
        }
    return found


async def conversing(
    client: Any,
    questions: list[Any],
    turns: int,
    first: int,
    begin: float,
    turn: float = TURN,
) -> list[float]:
    """Asks a recorded question every so many seconds.

    Args:
        client: that asks.
        questions: each [N] at `QUESTION_RATE`.
        turns: so many.
        first: of the questions.
        begin: seconds until the first one.
        turn: seconds from question to question.

    Returns:
        Seconds until each answer sounds; the whole time if none did. Of several answers in a turn,
        as when a pause was taken for the end of the question, the last one counts.
    """
    await client.mic(np.zeros(round(begin * QUESTION_RATE), np.float32))
    waits = []
    for number in range(first, first + turns):
        question = questions[number % len(questions)]
        before = set(client.begun)  # what still sounds of the last answer is none of this turn
        await client.mic(question)
        asked = time.perf_counter()
        await client.mic(np.zeros(round(turn * QUESTION_RATE) - len(question), np.float32))
        begun = [at for item, at in client.begun.items() if item not in before]
        waits.append(max(begun) - asked if begun else turn)
    return waits
