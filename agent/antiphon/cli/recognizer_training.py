"""`antiphon train` of recognizers: whisper, qwen3-asr, aligner, drax, mome and lips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from antiphon.cli.language_model_training import file_name, own_folder
from antiphon.cli.options import with_settings
from antiphon.cli.training_options import Folders, Limits, Out, Seed, Steps, prepare
from antiphon.errors import UserError

Hours = Annotated[float, typer.Option(help="Hours of speech, if there is no corpus yet.")]
Device = Annotated[str, typer.Option(help="Where it learns: auto, cuda, mps or cpu.")]


@with_settings
def whisper(
    paths: Folders,
    limits: Limits,
    recognizer: Annotated[
        str, typer.Option(help="The Whisper that is taught.")
    ] = "whisper-tiny.en",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the finished weights; else one of its own among assets."),
    ] = None,
    hours: Hours = 11.6,
    steps: Steps = 1000,
    seed: Seed = 0,
) -> None:
    """Teach Whisper's decoder what an agent is asked; --minutes is for each part."""
    prepare(paths.data, "speech", limits.training_threads)
    from antiphon import weights
    from antiphon.recognition.whisper.transcriber import Transcriber
    from antiphon.training.corpora.hearing import heard_speech
    from antiphon.training.jobs import question_decoder

    name = file_name(recognizer)
    corpus = heard_speech.folder(paths.work, recognizer)
    listener = Transcriber.load(weights.path(recognizer))
    if heard_speech.ensure(
        paths.data, corpus, listener, hours=hours, minutes=limits.minutes, seed=seed
    ):
        out = out or own_folder(f"{name}-questions")
        question_decoder.train(
            recognizer, corpus, paths.work / "whisper" / name, out,
            steps=steps, minutes=limits.minutes, seed=seed,
        )  # fmt: skip


@with_settings
def qwen3_asr(
    paths: Folders,
    limits: Limits,
    out: Out = Path("assets/qwen3-asr"),
    shards: Annotated[int, typer.Option(help="Shards of 64 clips that are made.")] = 600,
    text_steps: Annotated[int, typer.Option(help="Steps of the language model alone.")] = 2600,
    tower_steps: Annotated[
        int, typer.Option(help="Steps of the convolutions that replace Whisper's.")
    ] = 800,
    state_steps: Annotated[
        int, typer.Option(help="Steps in which its lower layers say again what Whisper's say.")
    ] = 400,
    letter_steps: Annotated[
        int, typer.Option(help="Steps in which the tower learns to tell letters apart.")
    ] = 700,
    piece_steps: Annotated[
        int, typer.Option(help="Steps in which what is heard gets the tokens' embeddings.")
    ] = 4000,
    again_steps: Annotated[
        int, typer.Option(help="More of these, whose weights are averaged with those before.")
    ] = 2000,
    steps: Annotated[
        int, typer.Option(help="Steps of the language model on what is really heard.")
    ] = 1500,
    device: Device = "cpu",
    seed: Seed = 0,
) -> None:
    """Train a small Qwen3-ASR that hears four languages; --minutes is for each part."""
    device = prepare(paths.data, "speech", limits.training_threads, device)
    from antiphon.training.jobs.qwen3_asr.recognizer import Recipe

    recipe = Recipe(paths.data, paths.work / "qwen3-asr", out, seed=seed, device=device)
    if recipe.corpus(shards, limits.minutes or 24 * 60):
        recipe.train(
            {
                "text": text_steps, "tower": tower_steps, "states": state_steps,
                "letters": letter_steps, "pieces": piece_steps,
                "again": again_steps, "writing": steps,
            },
            limits.minutes,
        )  # fmt: skip


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
    from antiphon.recognition.qwen3_asr import checkpoint
    from antiphon.training.jobs.qwen3_asr import aligner as job

    work = paths.work / "qwen3-aligner"
    timed = job.TimedClips(paths.data, checkpoint.load(Path(recognizer)).features())
    if job.corpus(timed, work / "clips", clips, minutes=minutes, seed=seed):
        job.train(
            Path(recognizer), work, out or Path("assets/qwen3-aligner"),
            steps=steps, minutes=limits.minutes, seed=seed, device=device,
        )  # fmt: skip


@with_settings
def drax(
    paths: Folders,
    limits: Limits,
    out: Out = Path("assets/drax"),
    synthetic: Annotated[int, typer.Option(help="Synthetic clips beside people's.")] = 5000,
    versions: Annotated[int, typer.Option(help="Versions of each of people's clips.")] = 2,
    clips: Annotated[
        int | None, typer.Option(min=1, help="Take at most so many clips, by chance.")
    ] = None,
    middle_steps: Annotated[int, typer.Option(help="Steps of the middle by CTC alone.")] = 3000,
    steps: Steps = 1000,
    middle: Annotated[
        bool, typer.Option("--middle/--no-middle", help="Let the path go over the audio's guess.")
    ] = True,
    joint: Annotated[
        bool, typer.Option(help="Let the middle learn along with the decoder (slower).")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Train the recognizer Drax on Whisper tiny.en's states; --minutes is for each part."""
    prepare(paths.data, "speech", limits.training_threads)
    from antiphon.training.jobs.drax import job

    work = paths.work / "drax"
    minutes = limits.minutes or 24 * 60
    if job.corpus(
        paths.data,
        work,
        synthetic=synthetic,
        versions=versions,
        limit=clips,
        minutes=minutes,
        seed=seed,
    ):
        job.train(
            work,
            out,
            middle_steps=middle_steps,
            steps=steps,
            minutes=limits.minutes,
            seed=seed,
            middle_in_path=middle,
            joint=joint,
        )


@with_settings
def mome(
    paths: Folders,
    limits: Limits,
    variant: Annotated[
        str, typer.Option(help="mome, or what it is compared with; another name lists them.")
    ] = "mome",
    rates: Annotated[
        str, typer.Option(help="States of the encoder that are averaged to one, with commas.")
    ] = "1,2,4,8,16",
    out: Annotated[Path | None, typer.Option(help="Folder of the finished weights.")] = None,
    llm: Annotated[str, typer.Option("--llm", help="The language model; it stays as it is.")] = (
        "smollm2-135m-instruct"
    ),
    place: Annotated[
        Literal["attention", "ffn", "layer"], typer.Option(help="What experts are parallel to.")
    ] = "attention",
    bottleneck: Annotated[int, typer.Option(min=1, help="Inner width of an expert.")] = 12,
    hours: Hours = 11.6,
    warm_steps: Annotated[int, typer.Option(help="Steps of the projectors alone.")] = 1500,
    steps: Steps = 6000,
    batch: Annotated[int, typer.Option(min=1, help="Clips a step.")] = 32,
    all_rates: Annotated[
        bool, typer.Option("--all-rates", help="Learn at all rates each step, not at a random one.")
    ] = False,
    coarser: Annotated[
        float, typer.Option(help="Draw rates by their power of this; 0 draws all alike.")
    ] = 0.0,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Train a recognizer that hears at many rates (MoME), or a variant; --minutes is for each part.

    The variant lora is trained at one rate at a time: one file for each.
    """
    device = prepare(paths.data, "speech", limits.training_threads, device)
    from antiphon.recognition.mome.model import MomeConfig
    from antiphon.training.corpora.hearing import heard_speech
    from antiphon.training.jobs.mome import job
    from antiphon.training.jobs.mome.variants import adapter

    try:
        wanted = tuple(int(rate) for rate in rates.split(","))
    except ValueError:
        raise UserError(f"The rates {rates!r} are no numbers: give such as 1,2,4,8,16.") from None
    config = MomeConfig(llm, job.WHISPER, wanted, adapter(variant, len(wanted), place, bottleneck))
    parts = [variant, Path(llm).name, *map(str, wanted), place, f"b{bottleneck}", f"seed{seed}"]
    name = "-".join(parts)
    recipe = job.Recipe(
        paths.data, paths.work / "mome", heard_speech.folder(paths.work, job.WHISPER),
        out or paths.work / "mome" / "out" / name, name, config,
        job.Schedule(warm_steps, steps, batch, all_rates, coarser),
        seed=seed, device=device, facts={"variant": variant, "seed": seed},
    )  # fmt: skip
    if recipe.prepare(hours, limits.minutes):
        recipe.train(limits.minutes)


@with_settings
def mome_lips(
    paths: Folders,
    limits: Limits,
    start: Annotated[Path, typer.Option(help="Folder of a trained MoME.")] = Path("assets/mome"),
    lips: Annotated[str, typer.Option(help="Name or folder of the lip encoder.")] = "lips",
    out: Out = Path("assets/mome-lips"),
    warm_steps: Annotated[int, typer.Option(help="Steps of the lips' projectors alone.")] = 1500,
    steps: Steps = 1500,
    batch: Annotated[int, typer.Option(min=1, help="Clips a step.")] = 32,
    coarser: Annotated[
        float, typer.Option(help="Draw rates by their power of this; 0 draws all alike.")
    ] = 0.5,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Teach a MoME to read lips, too, on the heads of `train lips`; --minutes is for each part."""
    device = prepare(paths.data, "speech", limits.training_threads, device)
    from antiphon.training.corpora.hearing import heard_speech
    from antiphon.training.jobs.mome import job, seeing

    recipe = seeing.Recipe(
        paths.data, paths.work, heard_speech.folder(paths.work, job.WHISPER), start, lips, out,
        job.Schedule(warm_steps, steps, batch, coarser=coarser), seed=seed, device=device,
    )  # fmt: skip
    if recipe.prepare(limits.minutes):
        recipe.train(limits.minutes)


@with_settings
def lips(
    paths: Folders,
    limits: Limits,
    out: Out = Path("assets/lips"),
    clips: Annotated[int, typer.Option(min=1, help="Talking heads that are drawn.")] = 2400,
    steps: Steps = 1500,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Train the encoder that reads lips, on drawn mouths; --minutes is for each part."""
    device = prepare(paths.data, "text", limits.training_threads, device)
    from antiphon.training.jobs.mome.lips import Recipe

    recipe = Recipe(paths.data, paths.work / "lips", out, seed=seed, device=device)
    if recipe.corpus(clips, limits.minutes or 24 * 60):
        recipe.train(steps, limits.minutes)
