"""`antiphon train voice`: a voice of any Piper file by one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.language_model_training import file_name, own_folder, tell
from antiphon.cli.options import with_settings
from antiphon.cli.training_options import Folders, Limits, Seed, prepare
from antiphon.errors import UserError


@with_settings
def voice(
    paths: Folders,
    limits: Limits,
    teacher: Annotated[
        Path,
        typer.Option(
            help="The Piper voice: its .onnx file, English, of one speaker, medium quality; its "
            ".onnx.json lies beside it.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the finished voice; else one of its own below $ANTIPHON_ASSETS or "
            "assets, where it is found by name.",
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="VOICE",
            help="Begin with a finished voice of the same phonemizer: it lends its pronouncer and "
            "its lexicon, and a small --effort is enough.",
        ),
    ] = None,
    effort: Annotated[
        float, typer.Option(min=0.001, max=10, help="Share of the usual sentences and steps.")
    ] = 1.0,
    shift: Annotated[
        float,
        typer.Option(
            min=0.7,
            max=1.4,
            help="Make another speaker of the same file: pitch and formants times this.",
        ),
    ] = 1.0,
    seed: Seed = 1,
) -> None:
    """Make a voice of a Piper file: all jobs up to stage II, one after another.

    It says what it will take, goes on where it was cut, and leaves a voice that is found by its
    name. --minutes is for each job.
    """
    prepare(paths.data, "text", limits.training_threads)
    from antiphon import weights
    from antiphon.t2c.voice import VoiceConfig
    from antiphon.training.voice_recipe import VoiceRecipe
    from antiphon.training.whole_voice import WholeVoice

    if not teacher.is_file():
        raise UserError(f"There is no Piper voice {teacher}: give its .onnx file.")
    name = file_name(f"voice-{speaker(teacher)}" + (f"-{shift:g}" if shift != 1 else ""))
    out = own_folder(name) if out is None else out
    work = paths.work / out.name
    recipe = VoiceRecipe(paths.data, work, out, seed=seed, piper=teacher, shift=shift)
    if like is not None:
        recipe.like = weights.assets(like)
        recipe.llm = next(iter(weights.read_config(recipe.like, VoiceConfig).language_models))
    whole = WholeVoice(recipe, effort)
    if whole.missing:
        typer.echo(
            f"To do: {', '.join(whole.missing)}. That takes about {hours(whole.minutes())} of one "
            "core; it can be stopped at any time, and the same command goes on."
        )
    if whole.make(limits.minutes):
        tell(out, f'antiphon say "Hello, this is me." --voice {out.name}')
    else:
        typer.echo("Time is up: run it again to go on.")


def speaker(teacher: Path) -> str:
    """The name of a Piper voice, whose files are called language-NAME-quality."""
    parts = teacher.stem.split("-")
    return parts[1] if len(parts) == 3 else teacher.stem


def hours(minutes: float) -> str:
    """A duration as a person says it."""
    if minutes >= 90:
        return f"{minutes / 60:.1f} hours"
    return "a minute" if minutes < 1.5 else f"{round(minutes)} minutes"
