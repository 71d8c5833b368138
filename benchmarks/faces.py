"""Faces of `antiphon serve`: what they add, how many talk at once, and what they survive.

No model works here but for `--only models`: speech is loudness and a reply is numbered words, so
that only the way is measured. Everything goes over real sockets to a server in a process of its
own; `over_faces` holds the clients.

    python benchmarks/faces.py [--only added] [--face NAME] [--json]

added      milliseconds to the first sound of an answer, less those of the conversation in process
sessions   conversations at once, a question every ten seconds each, that leave a fifth of a core
models     first audio of four and of eight conversations at once with the real models
robots     late answers of ten robots that ask at once, by the rate at which --ears hears
truncate   words by which memory and what was heard differ after replies were interrupted
fuzz       what 100,000 malformed messages, strangers and slow readers break
soak       two hours of conversation over each face, all at once, connections cut at random
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from over_faces.added import added
from over_faces.client import FACES, SOAKED, module_of
from over_faces.fuzz import fuzz
from over_faces.sessions import at_once, sessions, with_models
from over_faces.soak import soak
from over_faces.truncation import EXACT, truncation
from report import script, show

from antiphon.cli.output import Json
from antiphon.errors import UserError

PARTS = ("added", "sessions", "models", "robots", "truncate", "fuzz", "soak")
MODEL_SESSIONS, MODEL_TURNS = (4, 8), 3
ROBOTS, ROBOT_TURNS, RATES = 10, 3, ("1", "auto")


def main(
    only: Annotated[str, typer.Option(help=f"One of {', '.join(PARTS)}.")] = "",
    face: Annotated[str, typer.Option(help=f"One of {', '.join(FACES)}.")] = "",
    questions: Annotated[int, typer.Option(min=1, help="That are timed.")] = 20,
    turns: Annotated[int, typer.Option(min=1, help="That are interrupted.")] = 50,
    seconds: Annotated[float, typer.Option(min=10, help="Of talk for every count.")] = 10.0,
    count: Annotated[int, typer.Option(min=4, help="Malformed messages.")] = 100_000,
    hours: Annotated[float, typer.Option(min=0.01, help="Of conversation over a face.")] = 2.0,
    clients: Annotated[int, typer.Option(min=1, help="Of a face at once, in the soak.")] = 8,
    seed: Annotated[int, typer.Option(help="Of what is damaged.")] = 0,
    llm: Annotated[str, typer.Option(help="Language model of `models`; empty: the default.")] = "",
    ears: Annotated[str, typer.Option(help="Recognizer of several rates, for `robots`.")] = "",
    json: Json = False,
) -> None:
    """Measure every face."""
    if only and only not in PARTS:
        raise UserError(f"There is no part '{only}': choose {', '.join(PARTS)}.")
    if only == "robots" and not ears:
        raise UserError("The robots need a recognizer of several rates: name it with --ears.")
    if face:
        module_of(face)
    faces = (face,) if face else FACES
    measures: dict[str, Any] = {
        "added": lambda name: added(name, questions),
        "sessions": lambda name: sessions(name, seconds),
        "fuzz": lambda name: fuzz(name, count, seed),
    }
    result: dict[str, Any] = {name: {} for name in faces}
    for part in (only,) if only else PARTS:
        if part == "models" and "realtime" in faces:
            result["models"] = asyncio.run(with_models(MODEL_SESSIONS, MODEL_TURNS, llm))
        elif part == "robots" and ears:
            result["robots"] = asyncio.run(at_once(ROBOTS, ROBOT_TURNS, ears, RATES, llm))
        elif part == "soak":
            result["soak"] = asyncio.run(soak((face,) if face else SOAKED, hours, clients))
        elif part == "truncate":
            exact = [name for name in faces if name in EXACT]
            for name, found in zip(exact, asyncio.run(truncations(exact, turns)), strict=True):
                result[name] |= found
        elif part in measures:
            for name in faces:
                result[name] |= asyncio.run(measures[part](name))
    show({name: found for name, found in result.items() if found}, json)


async def truncations(faces: list[str], turns: int) -> list[dict[str, int]]:
    """Of several faces at once: most of the time nobody works."""
    return await asyncio.gather(*(truncation(name, turns) for name in faces))


if __name__ == "__main__":
    script(main)
