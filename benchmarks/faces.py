"""Faces of `antiphon serve`: what they add, how many talk at once, and what they survive.

No model works here: speech is loudness and a reply is numbered words, so that only the way is
measured. Faces are found in their registry; one is measured if `over_faces` has a client for it.

    python benchmarks/faces.py [--face NAME] [--turns N] [--count N] [--json]
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from over_faces import wyoming
from over_faces.measures import STEPS, added, client_of, end_servers, fuzz, sessions, truncation
from report import script, show

from antiphon.cli.output import Json
from antiphon.errors import UserError
from antiphon.transports.http.face import FACES


def main(
    face: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="Questions, and interruptions.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="Of talk for every count.")] = 10.0,
    count: Annotated[int, typer.Option(min=4, help="Damaged messages.")] = 100_000,
    json: Json = False,
) -> None:
    """Measure every face."""
    known = (*FACES.names(), "wyoming")
    if face not in (None, *known):
        raise UserError(f"There is no face '{face}': choose {', '.join(known)}.")
    result: dict[str, Any] = {}
    for name in [name for name in FACES.names() if face in (None, name)]:
        if client_of(name) is None:
            result[name] = "no client"
            continue
        found: dict[str, Any] = asyncio.run(added(name, turns))
        found |= asyncio.run(sessions(name, seconds, STEPS))
        if hasattr(client_of(name).Client, "truncate"):  # not all clients say what they played
            try:
                found |= asyncio.run(truncation(name, turns))
            finally:
                end_servers()
        found |= asyncio.run(fuzz(name, count))
        result[name] = found
    if face in (None, "wyoming"):  # no face over HTTP: it is asked, and holds no conversation
        result["wyoming"] = asyncio.run(wyoming.fuzz(count))
    show(result, json)


if __name__ == "__main__":
    script(main)
