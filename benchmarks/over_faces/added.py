"""What a face adds to the in-process conversation until the first sound of an answer."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from tqdm import tqdm

from antiphon.runtime.frames import FRAME, RATE
from over_faces.client import module_of
from over_faces.hosting import SILENT, conversation, serving

SPOKEN, PAUSE = 20, 30
"""Frames of a question, and of silence after an answer."""
WORDS = 2
PHASES = (0.0, 0.006, 0.012, 0.018, 0.003, 0.009, 0.015)
"""Seconds after the beginning of a frame at which questions begin and end."""


def frames_until_sound(face: str, late: float) -> int:
    """Frames from the beginning of a question to the first sound of the answer, in process.

    Args:
        face: that the same question is asked over; Home Assistant itself tells when turns end.
        late: seconds by which it begins after a frame does, and ends.
    """
    if face == "wyoming":
        return SPOKEN + SILENT
    talk, count, before = conversation(), 0, 0.0
    while True:
        level = 0.5 if count < SPOKEN else 0.0
        mic = np.full(FRAME, level, np.float32)
        mic[: round(late * RATE)] = before
        out = talk.step(mic)
        count, before = count + 1, level
        if out.any():
            talk.close()
            return count


async def added(face: str, turns: int, chunk: float = 0.02) -> dict[str, float]:
    """Milliseconds from the sound that makes a conversation answer to the sound of the answer.

    Questions begin and end anywhere in a frame, as those of people do.

    Args:
        face: over which it is held.
        turns: that are timed, after one that is not.
        chunk: seconds of the microphone that are sent at once. What has not been sent yet when a
            turn ends is waited for, and counts.
    """
    taken = []
    with serving(face, words=WORDS) as hosted:
        async with module_of(face).Client(hosted.ports[face]) as client:
            for turn in tqdm(range(turns + 1), desc=f"added by {face}", unit="turn", leave=False):
                late = PHASES[turn % len(PHASES)]
                client.sounds.clear()
                frames = frames_until_sound(face, late)
                begin, sent = time.perf_counter(), 0.0
                answered = begin + frames * 0.02
                """When the conversation would answer if it were here."""
                while not client.sounds:
                    level = 0.5 if sent < SPOKEN * 0.02 - 0.001 else 0.0
                    sent += chunk
                    await asyncio.sleep(begin + sent - time.perf_counter())
                    await client.hear(chunk, level, late if level != client.level else 0.0)
                taken.append(1000 * (client.sounds[0][0] - answered))
                await client.speak(PAUSE * 0.02 + WORDS * 0.2, 0.0)
    return {
        "added_ms_median": round(float(np.median(taken[1:])), 1),
        "added_ms_p95": round(float(np.percentile(taken[1:], 95)), 1),
    }
