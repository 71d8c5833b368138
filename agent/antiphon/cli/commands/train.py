"""`antiphon train`: corpora and the three EchoX stages, each a job that can be cut and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon import settings
from antiphon.cli import recognizer_training, voice_training
from antiphon.cli.language_model_training import train_hearing, train_join
from antiphon.cli.options import with_settings
from antiphon.cli.training_options import (
    Data,
    Device,
    Folders,
    LanguageModel,
    Limits,
    Out,
    OwnOut,
    Seed,
    Steps,
    VoiceOnly,
    prepare,
)
from antiphon.errors import UserError
from antiphon.settings import Paths
from antiphon.training.voice_sizes import (
    CODEC_STEPS,
    PRONOUNCER_STEPS,
    SENTENCES,
    T2C_STEPS,
    UNIT_WORDS,
)

if TYPE_CHECKING:
    from antiphon.training.s2t_recipe import SpeechToTextRecipe
    from antiphon.training.voice_recipe import VoiceRecipe

app = typer.Typer(
    help=(
        "Train the models. Every job resumes where it was cut, takes --minutes, and leaves "
        "checkpoint, log.jsonl and loss.png in the work folder. The defaults are the "
        "recipe of the committed weights.\n\n"
        "In order: corpus, codec, language, pronouncer, t2c (stage II); s2t (stage I); "
        "echo (stage III). `voice` makes a voice of any Piper file by one command. A finished "
        "voice and finished ears learn to work with any language model by echo --llm NAME and "
        "s2t --llm NAME."
    ),
    no_args_is_help=True,
    add_completion=False,
)

app.command()(voice_training.voice)
app.command()(recognizer_training.whisper)
app.command(name="qwen3-asr")(recognizer_training.qwen3_asr)
app.command()(recognizer_training.aligner)
app.command()(recognizer_training.drax)
app.command()(recognizer_training.mome)
app.command(name="mome-lips")(recognizer_training.mome_lips)
app.command()(recognizer_training.lips)

VOICE_FOLDER, ADAPTER_FOLDER = Path("assets/voice-joe"), Path("assets/s2t")


def voice_recipe(paths: Paths, out: Path, seed: int, threads: int = 0) -> VoiceRecipe:
    """The recipe of the voice."""
    prepare(paths.data, "text", threads)
    from antiphon.training.voice_recipe import VoiceRecipe

    return VoiceRecipe(paths.data, paths.work / "voice", out, seed=seed)


def s2t_recipe(paths: Paths, out: Path, seed: int, threads: int = 0) -> SpeechToTextRecipe:
    """The recipe of the speech-to-text adapter."""
    prepare(paths.data, "speech", threads)
    from antiphon.training.s2t_recipe import SpeechToTextRecipe

    return SpeechToTextRecipe(paths.data, paths.work / "s2t", out, seed=seed)


@app.command()
@with_settings
def corpus(
    paths: Folders,
    limits: Limits,
    sentences: Annotated[int, typer.Option(help="Sentences the teacher speaks.")] = SENTENCES,
    hours: Annotated[float, typer.Option(help="Hours of questions for the adapter.")] = 4.6,
    seed: Seed = 1,
) -> None:
    """Make the corpora: the teacher's latents for the voice, heard questions for the adapter."""
    done = voice_recipe(paths, VOICE_FOLDER, seed, limits.training_threads).make_latents(
        sentences, limits.minutes
    )
    if done:
        s2t_recipe(paths, ADAPTER_FOLDER, seed, limits.training_threads).corpus(
            hours, limits.minutes or 24 * 60
        )


@app.command()
@with_settings
def codec(
    paths: Folders,
    limits: Limits,
    out: Out = VOICE_FOLDER,
    steps: Steps = CODEC_STEPS,
    seed: Seed = 1,
) -> None:
    """Train the unit codec on the teacher's latents."""
    voice_recipe(paths, out, seed, limits.training_threads).train_codec(steps, limits.minutes)


@app.command(name="student")
@with_settings
def student_(
    paths: Folders,
    limits: Limits,
    out: Out = VOICE_FOLDER,
    steps: Steps = 700,
    seed: Seed = 1,
) -> None:
    """Train the codec's encoder for the speech of any speaker."""
    voice_recipe(paths, out, seed, limits.training_threads).train_student(steps, limits.minutes)


@app.command()
@with_settings
def language(
    paths: Folders,
    out: Out = VOICE_FOLDER,
    words: Annotated[int, typer.Option(help="Size of the vocabulary.")] = UNIT_WORDS,
    longest: Annotated[int, typer.Option(help="Units of the longest word.")] = 8,
    seed: Seed = 1,
) -> None:
    """Build the unit language from the codec's units."""
    ratio = voice_recipe(paths, out, seed).train_language(words, longest)
    typer.echo(f"{ratio:.2f} units a word on held-out speech")


@app.command()
@with_settings
def pronouncer(
    paths: Folders,
    limits: Limits,
    out: Out = VOICE_FOLDER,
    steps: Steps = PRONOUNCER_STEPS,
    further: Annotated[
        bool, typer.Option(help="Go on from the finished voice, on names and rare words.")
    ] = False,
    seed: Seed = 1,
) -> None:
    """Train the pronouncer: spelling and token vectors to sounds."""
    voice_recipe(paths, out, seed, limits.training_threads).train_pronouncer(
        steps, limits.minutes, further=further
    )


@app.command()
@with_settings
def lexicon(paths: Folders, out: Out = VOICE_FOLDER, seed: Seed = 1) -> None:
    """Make the lexicon of a finished voice, from open lists of names and words."""
    count = voice_recipe(paths, out, seed).make_lexicon()
    print(f"{count:,} words in {out / 'lexicon.marisa'}")


@app.command()
@with_settings
def t2c(
    paths: Folders,
    limits: Limits,
    out: Out = VOICE_FOLDER,
    steps: Steps = T2C_STEPS,
    further: Annotated[
        bool, typer.Option(help="Go on from the finished voice, at half the rate.")
    ] = False,
    seed: Seed = 1,
) -> None:
    """Stage II: train lengths and the unit-language LM on the teacher's speech."""
    voice_recipe(paths, out, seed, limits.training_threads).train_t2c(
        steps, limits.minutes, further=further
    )


@app.command()
@with_settings
def s2t(
    paths: Folders,
    limits: Limits,
    llm: LanguageModel = None,
    out: OwnOut = None,
    hours: Annotated[
        float, typer.Option(help="With --llm: hours of questions, if there is no corpus yet.")
    ] = 1.0,
    reply_steps: Annotated[int, typer.Option(help="Steps that teach the manner of reply.")] = 500,
    align_steps: Annotated[
        int, typer.Option(help="Steps of the adapter's CTC alone; 0 leaves it as computed.")
    ] = 0,
    answer_steps: Annotated[int, typer.Option(help="Steps through the language model.")] = 250,
    whole: Annotated[
        bool, typer.Option(help="Let all of the adapter learn from that: CE + 0.3 CTC.")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Stage I: teach the language model its manner, and the adapter to hear for it.

    With --llm NAME an adapter is computed and trained for any language model, which stays as it
    is: what is heard surely enters as it is read, and --answer-steps teach what to make of the
    rest. --minutes is for each part.
    """
    if llm is not None:
        if align_steps or whole:
            raise UserError("With --llm there is no --align-steps and no --whole: leave them away.")
        prepare(paths.data, "speech", limits.training_threads, device)
        train_hearing(paths, limits, llm, out, hours=hours, steps=answer_steps, seed=seed)
        return
    job = s2t_recipe(paths, out or ADAPTER_FOLDER, seed, limits.training_threads)
    job.reply(reply_steps, limits.minutes)
    job.align(align_steps, limits.minutes)
    job.answer(answer_steps, limits.minutes, whole=whole)


@app.command()
@with_settings
def echo(
    paths: Folders,
    limits: Limits,
    models: VoiceOnly,
    llm: LanguageModel = None,
    out: OwnOut = None,
    replies: Annotated[int, typer.Option(help="Replies of the language model to speak.")] = 640,
    steps: Steps = 100,
    cosine: Annotated[
        bool, typer.Option("--cosine/--no-cosine", help="With the denoising term or without.")
    ] = True,
    generator: Annotated[bool, typer.Option(help="Train the generator, too.")] = False,
    joint: Annotated[bool, typer.Option(help="Train the language model's LoRA, too.")] = False,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Stage III, Echo training: speak from the language model's hidden states.

    With --llm NAME the finished --voice learns to speak for a language model it was not trained
    with; --minutes is then for each part, and the voice stays as it is.
    """
    if llm is not None:
        if joint or generator or not cosine:
            raise UserError("A join has neither --generator, --joint nor --no-cosine: leave them.")
        prepare(paths.data, "text", limits.training_threads, device)
        train_join(paths, limits, llm, models.voice, out, replies=replies, steps=steps, seed=seed)
        return
    voice = voice_recipe(paths, out or VOICE_FOLDER, seed, limits.training_threads)
    if joint and (generator or not cosine):
        raise UserError("--joint keeps the generator and the denoising term: leave the others out")
    from antiphon.training.echo_recipe import EchoRecipe

    EchoRecipe(voice).train(
        replies, steps, limits.minutes, cosine=cosine, generator=generator, joint=joint
    )


@app.command()
@with_settings
def tools(
    paths: Folders,
    limits: Limits,
    llm: LanguageModel = None,
    out: Out = Path("assets/tools"),
    steps: Steps = 480,
    seed: Seed = 0,
) -> None:
    """Teach the sentence encoder which tool is asked for, and with what.

    With --llm NAME fit how much the word of this language model counts where the finished encoder
    is in doubt; --minutes is for asking it.
    """
    prepare(paths.data, "text", limits.training_threads)
    from antiphon.training.jobs import tool_chooser as job
    from antiphon.training.jobs import tool_judge

    if llm is not None:
        tool_judge.train(paths.data, paths.work / "tools", out, llm=llm, minutes=limits.minutes)
        return
    job.train(paths.data, paths.work / "tools", out, steps=steps, minutes=limits.minutes, seed=seed)


@app.command(name="stop-word")
def stop_word_(
    data: Data,
    out: Out = Path("assets/stop-word"),
    scenes: Annotated[int, typer.Option(help="Scenes of each kind that are made.")] = 1500,
    steps: Steps = 2400,
    seed: Seed = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read at most so many clips of each collection.")
    ] = None,
    piper: Annotated[
        bool, typer.Option("--piper/--no-piper", help="Let the agent's voice say it, too.")
    ] = True,
) -> None:
    """Train the spotter of the stop word; prints what it does with speakers it has not heard."""
    prepare(data, "speech")
    from antiphon import weights
    from antiphon.cli.output import print_json
    from antiphon.training.jobs import stop_word as job

    voice = weights.path(settings.load(settings.Training).teacher) if piper else None
    print_json(
        job.train(data, out, scenes=scenes, steps=steps, seed=seed, limit=limit, piper=voice)
    )


@app.command(name="turn-end")
def turn_end_(
    data: Data,
    out: Out = Path("assets/turn-end"),
    turns: Annotated[int, typer.Option(min=1, help="Turns that are heard.")] = 600,
    seed: Seed = 0,
) -> None:
    """Train the heads that hear whether a turn is complete."""
    prepare(data, "speech")
    from antiphon import weights
    from antiphon.cli.output import print_json
    from antiphon.training.jobs import turn_end as job

    piper = weights.path(settings.load(settings.Training).teacher)
    print_json(job.train(data, out, count=turns, seed=seed, piper=piper))
