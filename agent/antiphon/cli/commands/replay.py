"""`antiphon replay`: a recorded conversation once more, without its models."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.output import Json, print_json

app = typer.Typer(add_completion=False)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made by antiphon talk --record.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.wav", help="Write what is said this time.")
    ] = None,
    json: Json = False,
) -> None:
    """Play a recorded conversation through again and compare every sample. Exit code 1: differs."""
    from tqdm import tqdm

    from antiphon import audio_file
    from antiphon.cli.view import Lines
    from antiphon.runtime.recordings import replay as player

    if out is not None:
        audio_file.require_writable(out)
    lines = Lines()
    began = time.perf_counter()
    with tqdm(desc="replay", unit="frame", leave=False, delay=2) as bar:
        told = player.replay(
            folder,
            out=out,
            watch=(lambda event: None) if json else lines.event,
            progress=bar.update,
        )
    took = time.perf_counter() - began
    if json:
        speed = told.seconds / took if took else None
        print_json(
            {
                "seconds": round(told.seconds, 3),
                "same": told.differs_at is None,
                "differs_at": told.differs_at,
                "times_real_time": speed and round(speed, 1),
            }
        )
    elif told.differs_at is None:
        print(f"The same, sample by sample: {told.seconds:.1f} s in {took:.1f} s.")
    else:
        print(f"Differs from second {told.differs_at:.2f} on, of {told.seconds:.1f}.")
    if told.differs_at is not None:
        raise typer.Exit(1)
