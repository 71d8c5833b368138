"""`antiphon train qwen3-asr` and `antiphon train aligner`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.options import with_settings
from antiphon.cli.training_options import Folders, Limits, Out, Seed, Steps, prepare

Device = Annotated[str, typer.Option(help="Where it learns: auto, cuda, mps or cpu.")]


@with_settings
def qwen3_asr(
    paths: Folders,
    limits: Limits,
    out: Out = Path("assets/qwen3-asr-small"),
    shards: Annotated[int, typer.Option(help="Shards of 64 clips that are made.")] = 300,
    text_steps: Annotated[int, typer.Option(help="Steps of the language model alone.")] = 3000,
    tower_steps: Annotated[int, typer.Option(help="Steps of the audio tower alone.")] = 6000,
    steps: Steps = 12_000,
    device: Device = "cpu",
    seed: Seed = 0,
) -> None:
    """Train a small Qwen3-ASR that hears four languages; --minutes is for each part."""
    device = prepare(paths.data, "speech", limits.training_threads, device)
    from antiphon.training.jobs.qwen3_asr.recognizer import Recipe

    recipe = Recipe(paths.data, paths.work / "qwen3-asr", out, seed=seed, device=device)
    if recipe.corpus(shards, limits.minutes or 24 * 60):
        recipe.train({"text": text_steps, "tower": tower_steps, "whole": steps}, limits.minutes)


@with_settings
def aligner(
    paths: Folders,
    limits: Limits,
    recognizer: Annotated[
        str, typer.Option(help="The Whisper that it listens with, or the folder of a Qwen3-ASR.")
    ] = "whisper-tiny.en",
    out: Annotated[Path | None, typer.Option(help="Folder of the finished weights.")] = None,
    sentences: Annotated[int, typer.Option(min=1, help="Sentences that are said.")] = 270,
    clips: Annotated[int, typer.Option(min=1, help="Clips that are made of them.")] = 400,
    steps: Steps = 600,
    device: Device = "cpu",
    seed: Seed = 0,
) -> None:
    """Train a forced aligner on exact times of synthesizers; --minutes is for each part.

    On a Whisper it is a small head, on a Qwen3-ASR the whole model, whose clips are made afresh.
    """
    device = prepare(paths.data, "text", limits.training_threads, device)
    minutes = limits.minutes or 24 * 60
    if not (Path(recognizer) / "config.json").exists():
        from antiphon.training.jobs.aligner import Recipe

        recipe = Recipe(
            paths.data, paths.work / "aligner", out or Path("assets/aligner"), recognizer, seed=seed
        )
        if recipe.corpus(sentences, clips, minutes):
            recipe.train(steps, limits.minutes)
        return
    from antiphon.recognition.qwen3_asr.features import Features
    from antiphon.training.jobs.qwen3_asr import aligner as job

    work = paths.work / "qwen3-aligner"
    timed = job.TimedClips(paths.data, Features(80, 800))
    if job.corpus(timed, work / "clips", clips, minutes=minutes, seed=seed):
        job.train(
            Path(recognizer), work, out or Path("assets/qwen3-aligner"),
            steps=steps, minutes=limits.minutes, seed=seed, device=device,
        )  # fmt: skip
