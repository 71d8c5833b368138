"""The command `antiphon`: finds the file of a subcommand, and speaks plainly when it fails."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import antiphon
from antiphon.cli import logs
from antiphon.errors import UserError

COMMANDS = {
    "ask": "Answer a spoken question with speech.",
    "say": "Speak a text.",
    "transcribe": "Transcribe recordings.",
    "align": "Find when each word of a text is spoken.",
    "talk": "Talk with microphone and speaker.",
    "replay": "Play a recorded conversation again.",
    "devices": "List and test microphones and speakers, and measure the echo.",
    "serve": "Serve robots and other clients.",
    "robot": "Be the body of an agent that thinks elsewhere.",
    "codec": "Turn speech into units and back.",
    "train": "Train the models.",
    "eval": "Measure what the README claims.",
    "config": "Print every setting and where it comes from.",
    "weights": "List, fetch and check pretrained weights.",
}
"""Name to help. The module `cli/commands/NAME.py` is imported when it is called; it holds
`app = typer.Typer(add_completion=False)` with one command, or several and a help text."""


class Commands(TyperGroup):
    """Lists the commands without importing them, and turns failures into exit codes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, about in COMMANDS.items():
            # A robot's installation has but a few of them.
            if Path(__file__).with_name("commands").joinpath(f"{name}.py").exists():
                self.add_command(TyperCommand(name=name, help=about))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replaces the listed command by the one in its file."""
        name, _, rest = super().resolve_command(ctx, args)
        app: typer.Typer = import_module(f"antiphon.cli.commands.{name}").app
        command = typer.main.get_command(app)
        logs.add_options(command)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; one clear sentence and exit code 2 for what the user can fix."""
        logs.set_up()
        try:
            return super().invoke(ctx)
        except UserError as error:
            print(f"antiphon: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            print("\nantiphon: stopped", file=sys.stderr)
            raise typer.Exit(130) from error


app = typer.Typer(
    cls=Commands,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"antiphon {antiphon.__version__}")
        raise typer.Exit


@app.callback()
def antiphon_(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Antiphon answers speech with speech, thinking while it speaks.

    Try: antiphon ask QUESTION.wav --out reply.wav
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def run() -> None:
    """Entry point of the console script."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    app(prog_name="antiphon")


if __name__ == "__main__":
    run()
