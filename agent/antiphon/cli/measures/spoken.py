"""Commands of `antiphon eval` for single sides of the voice: they need no data."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from antiphon.cli.measures import parts
from antiphon.cli.measures.measure import Job, Voice

EARS = ("whisper-base", "whisper-tiny.en")


def offensive(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Innocent words that two recognizers hear as offensive ones. Needs no data."""
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.speaking import offensive as measured

    words = list(measured.words())
    random.Random(job.seed).shuffle(words)
    systems = {"voice": parts.reading(voice), "teacher": parts.teacher(job.seed)}
    return measured.evaluate(systems, words[: job.limit], {name: recognizer(name) for name in EARS})


def prosody(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Range of pitch, rise of questions, pauses and liveliness. Needs no data."""
    from antiphon.evaluation.measures.speaking import prosody as measured
    from antiphon.evaluation.spoken_replies import read_out, speaking

    agent = parts.load(voice=voice)
    lines = measured.lines(job.limit, job.seed)
    replies = {line.text: read_out(agent.s2t, line.text) for line in lines}
    hidden, text = speaking(agent, "hidden"), speaking(agent, "text")
    systems = {
        "hidden": lambda said: hidden(replies[said]),
        "text": lambda said: text(replies[said]),
        "teacher": parts.teacher(job.seed),
    }
    return measured.evaluate(systems, lines)
