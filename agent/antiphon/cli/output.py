"""What commands share: exactly one JSON object on standard output, if it was asked for."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.errors import UserError

Json = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON object on standard output.")
]
"""The option `--json`, the same for every command."""


def require_one_output(out: Path | None, json: bool) -> None:
    """Raise a `UserError` if a sound and a JSON object are both to go to standard output."""
    if json and str(out) == "-":
        raise UserError("--json and --out - both want standard output: write the sound to a file.")


@contextmanager
def chatter_to_stderr() -> Iterator[None]:
    """Sends what libraries print while a command works to standard error."""
    with redirect_stdout(sys.stderr):
        yield


def print_json(result: Mapping[str, Any]) -> None:
    """Prints one JSON object; a number that is none (NaN, infinity) becomes null.

    Args:
        result: Strings, numbers, None, paths, mappings and sequences of these; NumPy's scalars
            and arrays and torch's tensors too.
    """
    print(json.dumps(_plain(result), ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


def show(json: bool, title: str, result: Mapping[str, Any]) -> None:
    """Print a result as one JSON object or as a table."""
    if json:
        print_json(result)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in _flat(result):
        table.add_row(name, f"{value:g}" if isinstance(value, float) else str(value))
    Console().print(table)


def _flat(result: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values with dotted names; the rows of a list are named by their first value."""
    for key, value in result.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
            for row in value:
                title, *rest = row.items()
                yield from _flat(dict(rest), f"{title[1]}, ")
        else:
            yield name, value
