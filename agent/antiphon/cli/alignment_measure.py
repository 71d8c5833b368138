"""`antiphon eval alignment`: when words are said, by each aligner."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon.cli.options import given_or
from antiphon.cli.output import Json, chatter_to_stderr, show
from antiphon.settings import Paths

if TYPE_CHECKING:
    from antiphon.recognition.alignment.aligner import Aligner
    from antiphon.training.corpora.timed_speech import TimedSpeech

SENTENCES = 100
"""Sentences that are said."""
NOISES = {"noise10": 10.0, "noise0": 0.0}
"""Decibels of speech above noise."""
MINUTES = {"60s": 1.0, "300s": 5.0}
"""Lengths of long recordings."""
RIVAL = "pocketsphinx"
ENOUGH = 4
"""Words of a sentence at least."""


def alignment(
    data: Annotated[Path, given_or(Paths, "data")],
    aligner: Annotated[
        list[str] | None,
        typer.Option(help="attention, ctc, slots or pocketsphinx, and =RECOGNIZER; several."),
    ] = None,
    voice: Annotated[
        str, typer.Option(help="Who speaks: flite:…, festival:… or piper:FOLDER.")
    ] = "flite:rms",
    limit: Annotated[int | None, typer.Option(min=1, help="Sentences; 100 if not said.")] = None,
    seed: Annotated[int, typer.Option(help="Which ones, and everything else left to chance.")] = 0,
    json: Json = False,
) -> None:
    """How far words are from where an unheard voice says them: clean, in noise, and long."""
    from antiphon.evaluation import material
    from antiphon.evaluation.measures.alignment import evaluate, scenes

    with chatter_to_stderr():
        names = aligner or ["attention", RIVAL]
        aligners = dict(map(loaded, names))
        spoken = sentences(data, voice, limit or SENTENCES, seed)
        noisy = {
            kind: material.changed(data, decibels, None, seed) for kind, decibels in NOISES.items()
        }
        result = evaluate(aligners, scenes(spoken, noisy, MINUTES, seed))
    show(json, "Alignment", result if json else table(result))


def sentences(data: Path, voice: str, count: int, seed: int) -> Sequence[TimedSpeech]:
    """Sentences that a voice says, whose words pocketsphinx knows as well."""
    from antiphon.evaluation import material
    from antiphon.evaluation.pocketsphinx_aligner import PocketsphinxAligner
    from antiphon.training.corpora.timed_speech import plain, timed_voice

    speak, knows = timed_voice(voice), PocketsphinxAligner().knows
    texts = material.sentences(data, 20 * count, seed)
    fit = (t for t in texts if len(t.split()) >= ENOUGH and plain(t) and knows(t))
    said = (speak(text) for text in fit)
    return list(islice((each for each in said if each), count))


def loaded(name: str) -> tuple[str, Aligner]:
    """A name, and the aligner it stands for."""
    from antiphon.evaluation.pocketsphinx_aligner import PocketsphinxAligner
    from antiphon.recognition.alignment.aligner import ALIGNERS

    kind, _, recognizer = name.partition("=")
    if kind == RIVAL:
        return name, PocketsphinxAligner()
    return name, ALIGNERS.get(kind)(recognizer or "whisper-base")


def table(result: dict[str, Any]) -> dict[str, Any]:
    """A line for each aligner and kind of recording."""
    return {
        f"{name}, {kind}": (
            f"{row['aas_ms']} ms ({row['interval'][0]} to {row['interval'][1]}), "
            f"far {row['far']:.1%}, RTF {row['rtf']}"
        )
        for name, rows in result.items()
        for kind, row in rows.items()
    }
