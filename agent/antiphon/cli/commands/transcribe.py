"""`antiphon transcribe`: recordings to text, subtitles and word times."""

from __future__ import annotations

import json as json_
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon import audio_file
from antiphon.cli.output import chatter_to_stderr
from antiphon.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.recognition.lips.faces import Faces
    from antiphon.recognition.lips.video import Picture
    from antiphon.recognition.long_audio import LongAudio
    from antiphon.recognition.transcript import Options, Transcript

RATE = 16_000
app = typer.Typer(add_completion=False)


@app.command()
def transcribe(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recordings; - is standard input.")
    ],
    recognizer: Annotated[
        str, typer.Option(help="Who listens: a name, folder or hub id.")
    ] = "whisper-base",
    language: Annotated[
        str | None, typer.Option(help="What is spoken, such as en; else it is found.")
    ] = None,
    context: Annotated[
        str, typer.Option(help="Names and terms that may occur, with commas between them.")
    ] = "",
    words: Annotated[bool, typer.Option("--words", help="Times and confidence of words.")] = False,
    align: Annotated[
        str, typer.Option(help="Who says when: attention, ctc, slots; else the recognizer.")
    ] = "",
    format: Annotated[
        str, typer.Option(help="text, json, verbose_json, srt, vtt or textgrid.")
    ] = "text",
    out: Annotated[
        Path | None, typer.Option(help="Write a file for each recording into this folder.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print the text while the recording is heard.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Steps of a diffusion recognizer.")] = 8,
    candidates: Annotated[int, typer.Option(min=1, help="Texts it draws.")] = 1,
    score: Annotated[str, typer.Option(help="How it chooses: mode, mbr or whisper.")] = "mode",
    seed: Annotated[int, typer.Option(help="Of its draws.")] = 0,
    rate: Annotated[
        int | None,
        typer.Option(min=1, help="How coarsely a recognizer of several rates hears; else finest."),
    ] = None,
    video: Annotated[
        bool, typer.Option("--video", help="Read lips in the pictures of clips, too.")
    ] = False,
) -> None:
    """Transcribe recordings of any length, each by itself.

    A file that cannot be read does not keep the others from being transcribed; at the end it is
    named, and the exit code is 2.
    """
    from antiphon.recognition import formats
    from antiphon.recognition.context import entries
    from antiphon.recognition.languages import code
    from antiphon.recognition.transcript import Options

    write = formats.FORMATS.get(format)
    options = Options(
        language=code(language) if language else None,
        context=entries(context),
        words=words or bool(align) or format in formats.TIMED,
        steps=steps,
        candidates=candidates,
        scoring=score,
        seed=seed,
        rate=rate,
    )
    require_places(files, out, format)
    with chatter_to_stderr():
        listener = load(recognizer, align)
        listener.start(options)  # says at once what it does not know
        faces = eyes(listener) if video else None
    suffix = formats.SUFFIXES.get(format, format)
    failed = list[str]()
    if faces is None:
        told = heard(listener, files, options, stream)
    else:
        told = seen(listener, files, options, stream, faces)
    for path, transcript in zip(files, told, strict=True):
        if isinstance(transcript, UserError):
            if len(files) == 1:
                raise transcript
            print(f"antiphon: {transcript}", file=sys.stderr)
            failed.append(str(path))
            continue
        for note in transcript.notes:
            print(f"{path}: {note}", file=sys.stderr)
        text = write(transcript)
        if out is not None:
            land(out / f"{name_of(path)}.{suffix}", text)
        elif not stream:
            show(text, path, format, several=len(files) > 1)
    if failed:
        raise UserError(
            f"{len(failed)} of {len(files)} recordings could not be transcribed: "
            f"{', '.join(failed)}."
        )


def load(recognizer: str, aligner: str = "") -> LongAudio:
    """The recognizer; tests put another one here."""
    from antiphon.recognition import long_audio

    return long_audio.from_pretrained(recognizer, aligner)


def eyes(listener: LongAudio) -> Faces:
    """What finds faces in clips; a `UserError` if the recognizer could not use them."""
    from antiphon.recognition.lips import lip_pictures
    from antiphon.recognition.lips.faces import Faces

    lip_pictures.require(listener.sees, listener.name)
    return Faces()


def require_places(files: Sequence[Path], out: Path | None, format: str) -> None:
    """Raises a `UserError` if the transcripts could not be written."""
    if out is None:
        if len(files) > 1 and format not in ("text", "json", "verbose_json"):
            raise UserError(f"Several recordings as {format} need files: give a folder with --out.")
        return
    names = [name_of(path) for path in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"Several recordings are called {twice[0]}, and their transcripts would be, too: "
            "rename one, or transcribe them one by one."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the folder '{out}' ({error.strerror}).") from error
    if not os.access(out, os.W_OK):
        raise UserError(f"'{out}' may not be written: check its permissions.")


def name_of(path: Path) -> str:
    """What a recording's transcript is called."""
    return "stdin" if str(path) == audio_file.STANDARD else path.stem


def heard(
    listener: LongAudio, files: Sequence[Path], options: Options, stream: bool
) -> Iterator[Transcript | UserError]:
    """The transcripts of recordings, in order, or why there is none."""
    from antiphon.recognition.batches import transcribe_all

    if not stream:
        yield from transcribe_all(listener, map(progress, files), options)
        return
    for path in files:
        yield printed(listener, path, options)


def seen(
    listener: LongAudio, files: Sequence[Path], options: Options, stream: bool, faces: Faces
) -> Iterator[Transcript | UserError]:
    """The transcripts of clips, in order, or why there is none; lips are read where they can be."""
    from dataclasses import replace

    from antiphon.recognition.lips import mouths

    for path in files:
        found = mouths.find(path, faces, watched)
        lips, why = (None, found.value) if isinstance(found, mouths.Unseen) else (found, "")
        (said,) = heard(listener, [path], replace(options, lips=lips), stream)
        if isinstance(said, UserError):
            yield said
            continue
        notes = lips.notes(said.duration) if lips else (f"Heard by sound alone: {why}.",)
        yield replace(said, notes=(*said.notes, *notes))


def watched(pictures: Iterable[Picture]) -> Iterable[Picture]:
    """The pictures of a clip, with a bar of how many were looked at."""
    from tqdm import tqdm

    shown: Iterable[Picture] = tqdm(
        pictures, desc="lips", unit="picture", disable=not sys.stderr.isatty(), leave=False
    )
    return shown


def printed(listener: LongAudio, path: Path, options: Options) -> Transcript | UserError:
    """The transcript of a recording, whose text is printed on the way, or why there is none."""
    from dataclasses import replace

    state = listener.start(replace(options, partials=True))
    shown = ""
    try:
        for pcm in gathered(audio_file.stream(path), RATE):
            state = listener.feed(pcm, state)
            said = listener.partial(state).text
            print(said[len(shown) :], end="", flush=True)
            shown = said
    except UserError as error:
        return error
    state = listener.end(state)
    print(listener.partial(state).text[len(shown) :], flush=True)
    return listener.finish(state)


def progress(path: Path) -> Iterator[NDArray[np.float32]]:
    """The recording piece by piece, with a bar of its seconds."""
    from tqdm import tqdm

    length = audio_file.seconds(path)
    with tqdm(
        total=round(length, 1) if length else None,
        desc=name_of(path),
        unit="s",
        disable=not sys.stderr.isatty(),
        leave=False,
    ) as bar:
        for pcm in gathered(audio_file.stream(path), RATE):
            yield pcm
            bar.update(len(pcm) / RATE)


def gathered(pieces: Iterator[NDArray[np.float32]], least: int) -> Iterator[NDArray[np.float32]]:
    """Pieces joined to at least so many samples; the last may be shorter."""
    import numpy as np

    waiting, count = list[Any](), 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        if count >= least:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def land(path: Path, text: str) -> None:
    """Writes a file in one step: a failure leaves what was there."""
    part = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise UserError(f"Cannot write '{path}' ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)


def show(text: str, path: Path, format: str, *, several: bool) -> None:
    """Prints a transcript; of several each says whose it is: one JSON object a line."""
    if several and format in ("json", "verbose_json"):
        text = json_.dumps({"file": str(path), **json_.loads(text)}, ensure_ascii=False) + "\n"
    elif several:
        text = f"{path}:\n{text}"
    print(text, end="", flush=True)
