"""Logging: one setup for all commands, and the options that choose its level."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

LEVELS = (logging.INFO, logging.DEBUG)
"""Without -v, with it. With -vv, the libraries' debug messages are shown, too."""

DETAILED = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"


class StandardError(logging.StreamHandler[Any]):
    """Writes to what is standard error at that moment, which tests and devices may replace."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error."""
        return sys.stderr


def set_up(verbose: int = 0, quiet: bool = False) -> None:
    """Sends log messages to standard error.

    Args:
        verbose: 0 shows what the user should know; 1 what the program does, with times and
            modules; 2 what the libraries do, too.
        quiet: Warnings and errors only.
    """
    handler = StandardError()
    handler.setFormatter(logging.Formatter(DETAILED if verbose else "%(message)s", "%H:%M:%S"))
    logging.basicConfig(
        handlers=[handler], level=logging.DEBUG if verbose > 1 else logging.WARNING, force=True
    )
    level = logging.WARNING if quiet else LEVELS[min(verbose, 1)]
    for package in ("antiphon", "antiphon_codecs"):
        logging.getLogger(package).setLevel(level)


def add_options(command: Any) -> None:
    """Gives a command, and all below it, the options -v and -q."""
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            add_options(below)
    else:
        command.params += get_command(_levels).params


_levels = typer.Typer(add_completion=False)


@_levels.command(add_help_option=False)
def _level(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            expose_value=False,
            is_eager=True,
            callback=lambda times: set_up(times) if times else None,
            help="Say what happens, with times; -vv says what the libraries do, too.",
            show_default=False,
        ),
    ] = 0,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            expose_value=False,
            is_eager=True,
            callback=lambda quiet: set_up(quiet=True) if quiet else None,
            help="Print warnings and errors only.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Holds the options that `add_options` gives to every command."""
