"""Whether the agent remembers exactly what was heard of replies that were interrupted."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from tqdm import tqdm

from over_faces.client import module_of
from over_faces.hosting import RATE as REPLY_RATE
from over_faces.hosting import WORD, Hosted, serving

SPOKEN, WORDS = 20, 40
"""Frames of a question, and words of a reply."""
EXACT = ("realtime", "mqtt")
"""Faces whose clients say how much they played."""


async def truncation(face: str, interruptions: int) -> dict[str, int]:
    """Words that memory and truth differ by after replies were stopped at random moments."""
    chance, wrong = random.Random(0), 0
    with serving(face, words=WORDS) as hosted:
        for number in tqdm(range(interruptions), desc=f"interruptions of {face}", leave=False):
            async with module_of(face).Client(hosted.ports[face], f"R{number}") as client:
                heard = await interrupted(client, chance)
                remembered = await memory(client, hosted)
            samples = round(heard * REPLY_RATE)
            expected = sum(samples >= WORD * i + WORD // 2 for i in range(WORDS))
            wrong += abs(len(remembered.removesuffix("—").split()) - expected)
    return {"truncate_error_words": wrong, "interruptions": interruptions}


async def interrupted(client: Any, chance: random.Random) -> float:
    """Ask, and talk into the answer; returns the seconds that were heard of it."""
    await client.speak(SPOKEN * 0.02, 0.5)
    while not client.received:
        await client.speak(client.CHUNK, 0.0)
    await client.speak(chance.uniform(0.2, 1.5), 0.0)
    client.interrupted.clear()
    while not client.interrupted.is_set():
        await client.speak(client.CHUNK, 0.5)
    heard: float = await client.truncate(chance)
    return heard


async def memory(client: Any, hosted: Hosted) -> str:
    """What is remembered of the reply; a client that says it late is believed, too."""
    await client.speak(0.4, 0.0)
    for _ in range(100):
        said = hosted.history()
        if len(said) > 1:
            return said[1]
        await asyncio.sleep(0.02)
    return ""
