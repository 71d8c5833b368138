"""Two hours of conversation over every face at once, with connections that are cut at random.

A conversation's clock is the samples of its microphone, so the hours are counted in them: so many
clients talk at the same time that the conversation time of each face adds up to the hours asked
for, in a fraction of the time on the wall. All faces are served by one process, as by
`antiphon serve`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiomqtt
import httpx
from tqdm import tqdm
from websockets.exceptions import ConnectionClosed

from over_faces.client import Client, module_of
from over_faces.hosting import Hosted, serving

ANSWER_SECONDS = 20.0
"""Seconds after which a question that was not answered counts as lost."""
CUT = 0.15
"""Share of turns in the middle of which the connection is cut."""
TURNS = 4
"""Turns of a connection at most."""
QUESTION, THOUGHT = (0.4, 3.0), (0.3, 4.0)
"""Seconds of a question, and of silence before the next one: at least and at most."""
WORDS = 8
BROKEN = (ConnectionClosed, OSError, aiomqtt.MqttError, httpx.HTTPError, asyncio.TimeoutError)
"""What becomes of a line that is cut, or cannot be had."""
WARM = 0.25
"""Share of the time after which memory is no longer expected to grow."""


class Counts:
    """What happened over one face."""

    def __init__(self) -> None:
        self.turns = self.lost = self.cut = 0
        self.seconds = 0.0
        """Of conversation."""

    def body(self) -> dict[str, Any]:
        """As it is printed."""
        hours = round(self.seconds / 3600, 2)
        return {"hours": hours, "turns": self.turns, "turns_lost": self.lost, "cut": self.cut}


async def visits(face: str, port: int, seed: int, counts: Counts, over: Callable[[], bool]) -> None:
    """One client after another that comes, asks, and leaves or is cut off."""
    chance, module = random.Random(f"{face} {seed}"), module_of(face)
    while not over():
        client = module.Client(port, f"R{seed}", **module.variety(chance))
        with contextlib.suppress(*BROKEN):
            async with client:
                for _ in range(chance.randrange(1, TURNS + 1)):
                    if over() or not await turn(client, chance, counts):
                        break
        counts.seconds += client.talked


async def turn(client: Client, chance: random.Random, counts: Counts) -> bool:
    """A question and its answer; returns whether the connection still stands."""
    before, cuts = client.answers, chance.random() < CUT
    asking = asyncio.create_task(ask(client, chance, before))
    if cuts:
        await asyncio.wait([asking], timeout=chance.uniform(0, 6))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await client.cut()
        counts.cut += 1
        return False
    counts.turns += 1
    try:
        await asking
    finally:
        counts.lost += client.answers == before
    return client.answers > before


async def ask(client: Client, chance: random.Random, before: int) -> None:
    """Ask, wait for the end of the answer, and be silent for a while."""
    await client.speak(chance.uniform(*QUESTION), 0.5)
    until = time.perf_counter() + ANSWER_SECONDS
    while client.answers == before and time.perf_counter() < until:
        await client.speak(client.CHUNK, 0.0)
    await client.speak(chance.uniform(*THOUGHT), 0.0)


async def soak(faces: tuple[str, ...], hours: float, clients: int) -> dict[str, Any]:
    """Conversations over all faces at once.

    Args:
        faces: that are served by one process.
        hours: of conversation over each face, or a `SHARE` of it.
        clients: of each face at the same time.

    Returns:
        By face and in all: turns, those that were lost, and by how many MiB memory grew.
    """
    counts = {face: Counts() for face in faces}
    served = {face: getattr(module_of(face), "SERVED_BY", face) for face in faces}
    shares = {face: getattr(module_of(face), "SHARE", 1.0) for face in faces}
    with serving(*set(served.values()), words=WORDS, tools=True) as hosted:
        wanted = {face: 3600 * hours * shares[face] for face in faces}
        over = {face: _over(counts[face], wanted[face]) for face in faces}
        ports = {face: hosted.ports[served[face]] for face in faces}
        work = [
            asyncio.create_task(visits(face, ports[face], seed, counts[face], over[face]))
            for face in faces
            for seed in range(math.ceil(clients * shares[face]))
        ]
        growth = await watch(hosted, counts, wanted, work)
        await asyncio.gather(*work)
        faults = hosted.faults()
    return {
        **{face: count.body() for face, count in counts.items()},
        "turns_lost": sum(count.lost for count in counts.values()),
        "growth_mib": growth,
        "faults": len(faults),
        **({"first_fault": faults[0]} if faults else {}),
    }


def _over(counts: Counts, seconds: float) -> Callable[[], bool]:
    return lambda: counts.seconds >= seconds


async def watch(
    hosted: Hosted,
    counts: Mapping[str, Counts],
    wanted: Mapping[str, float],
    work: list[asyncio.Task[None]],
) -> float:
    """MiB by which the server grew once everything had been used; shows how far it is."""
    sizes: list[tuple[float, int]] = []
    with tqdm(total=100, desc="soak", unit="%", leave=False) as progress:
        while not all(task.done() for task in work):
            await asyncio.sleep(1)
            share = min(count.seconds / wanted[face] for face, count in counts.items())
            sizes.append((share, hosted.memory()))
            progress.update(min(100, int(100 * share)) - progress.n)
    early = [size for share, size in sizes if WARM <= share < 2 * WARM] or [sizes[0][1]]
    late = [size for share, size in sizes if share >= 1 - WARM] or [sizes[-1][1]]
    return round((max(late) - max(early)) / 2**20, 1)
