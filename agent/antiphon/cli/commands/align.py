"""`antiphon align`: when each word of a known text is spoken."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon import audio_file
from antiphon.cli.commands.transcribe import land
from antiphon.cli.output import chatter_to_stderr

if TYPE_CHECKING:
    from antiphon.recognition.alignment.aligner import Aligner

app = typer.Typer(add_completion=False)


@app.command()
def align(
    audio: Annotated[Path, typer.Argument(help="A recording; - is standard input.")],
    text: Annotated[str, typer.Argument(help="What is said in it: a text, or its file.")],
    aligner: Annotated[str, typer.Option(help="How: attention, ctc, or another.")] = "attention",
    recognizer: Annotated[str, typer.Option(help="Whose model aligns.")] = "whisper-base",
    language: Annotated[
        str | None, typer.Option(help="What is spoken, such as en; else it is found.")
    ] = None,
    format: Annotated[str, typer.Option(help="json, srt, vtt or textgrid.")] = "json",
    out: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
) -> None:
    """Find when each word of a text is spoken, and how sure that is.

    Where the text is not what is said, a warning names the word from which on it is not.
    """
    from antiphon.recognition import formats
    from antiphon.recognition.languages import code

    write = formats.FORMATS.get(format)
    from antiphon.s2t.speech_to_text import text_or_file

    words = text_or_file(text)
    pcm = audio_file.read(audio)
    with chatter_to_stderr():
        listener = load(aligner, recognizer)
        found = listener.align(pcm, words, code(language) if language else None)
    if (first := found.fits_until) is not None:
        print(
            f"antiphon: the text does not fit from word {first + 1} on, "
            f"'{found.words[first].text}': is it what is said?",
            file=sys.stderr,
        )
    if format == "json":
        told = {
            "words": [
                {
                    "word": word.text,
                    "start": formats.seconds(word.start),
                    "end": formats.seconds(word.end),
                    "confidence": word.confidence,
                }
                for word in found.words
            ],
            "confidence": found.confidence,
            "fits_until": found.fits_until,
            "duration": formats.seconds(found.duration),
            "aligner": listener.name,
        }
        shown = json.dumps(told, ensure_ascii=False) + "\n"
    else:
        shown = write(found.transcript(listener.name, language))
    if out is None:
        print(shown, end="")
    else:
        land(out, shown)


def load(aligner: str, recognizer: str) -> Aligner:
    """The aligner; tests put another one here."""
    from antiphon.recognition.alignment.aligner import ALIGNERS

    return ALIGNERS.get(aligner)(recognizer)
