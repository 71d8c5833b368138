"""`antiphon train echo --llm` and `antiphon train s2t --llm`: ears and voice for any model."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from antiphon import settings
from antiphon.errors import UserError
from antiphon.settings import Paths, Training


def train_join(
    paths: Paths,
    limits: Training,
    llm: str,
    voice: str,
    out: Path | None,
    *,
    replies: int,
    steps: int,
    seed: int,
) -> None:
    """Train the join of a voice and a language model."""
    require_own(llm)
    from antiphon.training.voice_join_recipe import VoiceJoinRecipe

    name = f"{file_name(voice)}-{file_name(llm)}"
    out = own_folder(f"join-{name}") if out is None else out
    recipe = VoiceJoinRecipe(paths.data, paths.work / "join" / name, out, llm, voice, seed)
    if recipe.corpus(replies, limits.minutes):
        recipe.train(steps, limits.minutes)
        tell(out, f"antiphon ask QUESTION.wav --llm {llm} --source hidden")
    else:
        typer.echo("Time is up: run it again to let the language model write the other replies.")


def train_hearing(
    paths: Paths,
    limits: Training,
    llm: str,
    out: Path | None,
    *,
    hours: float,
    steps: int,
    seed: int,
) -> None:
    """Train the adapter of the recognizer of the settings and a language model."""
    require_own(llm)
    from antiphon.training.corpora.hearing import heard_speech
    from antiphon.training.hearing_recipe import HearingRecipe

    name = file_name(llm)
    out = own_folder(f"s2t-{name}") if out is None else out
    # The other corpora are heard by Whisper as it comes, this one as the agent hears.
    recognizer = settings.load(settings.Models).recognizer
    heard = heard_speech.folder(paths.work / "conversation", recognizer)
    recipe = HearingRecipe(paths.data, paths.work / "s2t" / name, heard, out, llm, seed=seed)
    if not recipe.corpus(hours, limits.minutes):
        typer.echo("Time is up before anything was heard: run it again with more --minutes.")
    elif recipe.replies(limits.minutes):
        recipe.train(steps, limits.minutes)
        tell(out, f"antiphon ask QUESTION.wav --llm {llm} --ears s2t")
    else:
        typer.echo("Time is up: run it again to let the language model write the other replies.")


def require_own(llm: str) -> None:
    """Refuse a server, of which only the text can be had.

    Raises:
        UserError: It is one.
    """
    from antiphon.llm.language_model import is_address

    if is_address(llm):
        raise UserError(
            f"{llm} is a server, which shows neither embeddings nor hidden states: it is heard by "
            "transcripts and spoken from its text without any training."
        )


def file_name(name: str) -> str:
    """The name of a model, folder or hub id as the name of a folder."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")


def own_folder(name: str) -> Path:
    """Where weights of that name are found: among one's own, else those of the clone."""
    assets = settings.load(settings.Paths).assets or Path("assets")
    return assets.expanduser() / name


def tell(out: Path, command: str) -> None:
    """Say where the weights are, and how they are used."""
    from antiphon.weights.assets import roots

    found = any(root.exists() and root.samefile(out.parent) for root in roots())
    where = "" if found else f"ANTIPHON_ASSETS={out.parent} "
    typer.echo(f"Written to {out}. To use it: {where}{command}")
