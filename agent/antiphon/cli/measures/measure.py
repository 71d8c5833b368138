"""Makes commands of `antiphon eval` of measurements."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.cli.options import given_or
from antiphon.cli.output import Json, chatter_to_stderr, show
from antiphon.settings import Models, Paths

Data = Annotated[Path, given_or(Paths, "data")]
Limit = Annotated[int | None, typer.Option(min=1, help="Judge at most so many.")]
Seed = Annotated[int, typer.Option(help="Which ones, and everything else left to chance.")]
Voice = Annotated[str, given_or(Models, "voice")]
LanguageModel = Annotated[str, given_or(Models, "llm")]
Measure = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """What every measurement takes."""

    data: Path
    limit: int | None
    seed: int


def measure(app: typer.Typer, title: str, name: str | None = None) -> Callable[[Measure], Measure]:
    """Makes a command of a measurement: it gets --data, --limit, --seed and --json.

    Args:
        app: that it is a command of.
        title: of the table.
        name: of the command; None: the function's.
    """

    def register(function: Measure) -> Measure:
        def run(
            data: Data, limit: Limit = None, seed: Seed = 0, json: Json = False, **own: Any
        ) -> None:
            with working(seed):
                result = function(Job(data, limit, seed), **own)
            show(json, title, result)

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        shared = [*inspect.signature(run, eval_str=True).parameters.values()][:-1]
        keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*shared, *own)]
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in keywords}
        app.command(name)(run)
        return function

    return register


@contextmanager
def working(seed: int) -> Iterator[None]:
    """What libraries print goes to standard error, and chance is drawn by a seed."""
    import torch

    torch.manual_seed(seed)
    with chatter_to_stderr():
        yield
