"""How every benchmark ends: with its figures, or with a sentence saying what to do."""

from __future__ import annotations

import json as jsons
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer

from antiphon.cli.output import print_json
from antiphon.errors import UserError


def show(result: Mapping[str, Any], json: bool) -> None:
    """Prints figures: one JSON object for programs, or many lines for people."""
    if json:
        print_json(result)
    else:
        print(jsons.dumps(result, indent=2))


def script(main: Callable[..., None]) -> None:
    """Runs a script's `main` with the options of the command line; exit code 2 for a bad one."""
    try:
        typer.run(main)
    except UserError as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        sys.exit(2)
