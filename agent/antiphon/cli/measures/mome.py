"""`antiphon eval mome`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.cli.measures.measure import Job
from antiphon.errors import UserError

RECORDINGS = 60
"""Recordings of each collection that are heard at most."""
HEADS = 240
"""Talking heads that are drawn."""


def mome(
    job: Job,
    recognizer: Annotated[str, typer.Option(help="What is measured: a name or folder.")] = "mome",
    against: Annotated[
        list[str] | None,
        typer.Option(help="A variant's folder that it is compared with; several."),
    ] = None,
    rates: Annotated[str, typer.Option(help="With commas between; else all it knows.")] = "",
    plot: Annotated[Path | None, typer.Option(help="Draw the curves into this picture.")] = None,
    noise: Annotated[float | None, typer.Option(help="Noise, so many dB below speech.")] = None,
    lips: Annotated[
        bool,
        typer.Option("--lips", help="Talking heads in babble: what lips add to sound."),
    ] = False,
) -> Mapping[str, Any]:
    """Word errors, costs and experts of MoME by rate. --limit counts in each collection."""
    from antiphon.evaluation import material
    from antiphon.evaluation.measures.listening import lips as seen
    from antiphon.evaluation.measures.listening import rate_plot
    from antiphon.evaluation.measures.listening.mome import evaluate, hear
    from antiphon.recognition.mome import lip_encoder
    from antiphon.recognition.mome.recognizer import load

    try:
        wanted = [int(rate) for rate in rates.split(",") if rate]
    except ValueError:
        raise UserError(f"The rates {rates!r} are no numbers: give such as 1,4,16.") from None
    listeners = {name: load(name) for name in (recognizer, *(against or ()))}
    first = listeners[recognizer]
    if unknown := sorted({*wanted} - {*first.rates}):
        first.model.scale(unknown[0])
    for name, other in listeners.items():
        if other.model.config.whisper != first.model.config.whisper:
            raise UserError(f"{name} hears with another Whisper than {recognizer}: compare like.")
    if lips:
        config = first.model.config
        if config.lips is None:
            raise UserError(f"{recognizer} sees no lips: antiphon train mome-lips teaches it.")
        reader = lip_encoder.load(config.lips)
        found = seen.heads(job.data, job.limit or HEADS, first.encoder, reader, job.seed)
        at = wanted[0] if wanted else seen.RATE
        lip_rate = seen.LIP_RATE if seen.LIP_RATE in config.lip_rates else config.lip_rates[0]
        return seen.evaluate(found, first.model, at, lip_rate)
    clips = material.clips(job.data, job.limit or RECORDINGS)
    heard = hear(clips, first, material.changed(job.data, noise, None, job.seed))
    result = evaluate(heard, {name: each.model for name, each in listeners.items()}, wanted)
    if plot is not None:
        rate_plot.draw(result, plot)
    return result
