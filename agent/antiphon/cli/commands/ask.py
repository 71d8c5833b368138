"""`antiphon ask`: a spoken question gets a spoken answer."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon import audio_file
from antiphon.cli.options import Only, with_settings
from antiphon.cli.output import Json, chatter_to_stderr, print_json, require_one_output
from antiphon.settings import Models

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.agent import Agent
    from antiphon.cli.timed_reply import TimedReply
    from antiphon.s2t.question_encoder import Question

PAUSE_SECONDS = 0.5
"""Seconds of silence between replies in one file."""

app = typer.Typer(add_completion=False)


@app.command()
@with_settings
def ask(
    questions: Annotated[
        list[Path],
        typer.Argument(metavar="QUESTION.wav...", help="Recorded questions; - is standard input."),
    ],
    models: Annotated[
        Models,
        Only(
            "voice",
            "llm",
            "persona",
            "ears",
            "recognizer",
            "source",
            "lexicon",
            "speed",
            "pitch",
            "rate",
            "threads",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the replies to this sound file; - is standard output."),
    ] = None,
    play: Annotated[
        bool, typer.Option("--play/--no-play", help="Play the reply if there is a speaker.")
    ] = True,
    json: Json = False,
) -> None:
    """Answer spoken questions with speech. Each question stands for itself."""
    require_one_output(out, json)
    if out is not None:
        audio_file.require_writable(out)
    recordings = [audio_file.read(question) for question in questions]
    from antiphon.cli.player import Player

    with chatter_to_stderr() if json or str(out) == "-" else nullcontext():
        agent = load(
            voice=models.voice,
            llm=models.llm,
            ears=models.ears,
            persona=models.persona,
            recognizer=models.recognizer,
            source=models.source,
            lexicon=models.lexicon,
            speed=models.speed,
            pitch=models.pitch,
            rate=models.rate,
            threads=models.threads,
        )
        with Player(play) as player:
            answers = [answered(agent, pcm, player, quiet=json) for pcm in recordings]
        if not json:
            table([path.name for path in questions], [take for _, take in answers])
    if out is not None:
        takes = [take for _, take in answers]
        audio_file.write(out, joined(takes), rate(agent))
    if json:
        reports = [
            {"file": str(path), "question": heard.text, "doubt": heard.doubt, **take.report()}
            for path, (heard, take) in zip(questions, answers, strict=True)
        ]
        print_json(reports[0] if len(reports) == 1 else {"answers": reports})
    elif out is not None and str(out) != "-":
        print(f"\nWritten to {out}")


def load(**choices: Any) -> Agent:
    """The agent; tests put another one here."""
    from antiphon.cli.timed_reply import load_agent

    return load_agent(**choices)


def answered(
    agent: Agent, pcm: NDArray[np.float32], player: Any, *, quiet: bool
) -> tuple[Question, TimedReply]:
    """What was heard of a question and its answer, printed and played as they come."""
    from antiphon.cli.timed_reply import answer
    from antiphon.cli.view import DOUBTS

    heard: list[Question] = []

    def show(text: str) -> None:
        if not quiet:
            print(text, end="", flush=True)

    def understood(question: Question) -> None:
        heard.append(question)
        words = DOUBTS[question.doubt] if question.doubt else question.text
        show(f"\nYou: {words}\nAntiphon: ")

    take = answer(agent, pcm, on_question=understood, on_text=show, on_speech=player.play)
    show("\n")
    return heard[0], take


def rate(agent: Agent) -> int:
    """Samples a second of what the agent says."""
    return agent.voice.sample_rate


def joined(takes: list[TimedReply]) -> NDArray[np.float32]:
    """Replies one after another with a pause between them."""
    import numpy as np

    sounds: list[NDArray[np.float32]] = []
    for take in takes:
        if sounds:
            sounds.append(np.zeros(int(PAUSE_SECONDS * (take.sample_rate or 1)), np.float32))
        sounds.append(take.pcm)
    return np.concatenate(sounds) if sounds else np.zeros(0, np.float32)


def table(names: list[str], takes: list[TimedReply]) -> None:
    """Print how long everything took."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    shown.add_column("question")
    for column in ("first audio", "tokens before", "reply", "work / speech"):
        shown.add_column(column, justify="right")
    for name, take in zip(names, takes, strict=True):
        first = "-" if take.first is None else f"{1000 * take.first:.0f} ms"
        work = f"{take.rtf:.2f}" if take.seconds else "-"
        shown.add_row(name, first, str(take.tokens_before), f"{take.seconds:.1f} s", work)
    print()
    Console(file=sys.stdout).print(shown)
