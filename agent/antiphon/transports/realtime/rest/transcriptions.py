"""`POST /v1/audio/transcriptions`: what is said in a recording, and when."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from antiphon.audio_file import read
from antiphon.errors import UserError
from antiphon.recognition import formats, long_audio
from antiphon.recognition.languages import code
from antiphon.recognition.long_audio import BLOCK, LongAudio
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Options, Transcript
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.outside import made
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.rest.endpoint import Handler, endpoint, event

MAX_FILE = 25 * 2**20
"""Bytes of a recording."""
MEDIA = {"json": "application/json", "verbose_json": "application/json"}
"""Media types of formats that are no plain text."""
GRANULARITIES = "timestamp_granularities[]"
ACCEPTED = frozenset(
    {"file", "model", "language", "prompt", "response_format", "temperature", "stream", "include"}
    | {"chunking_strategy", GRANULARITIES}
)
Sound = NDArray[np.float32]


class Recognizers:
    """The recognizer, loaded when it is first needed.

    Args:
        name: of it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loading = Lock()
        self._loaded: LongAudio | None = None

    def get(self) -> LongAudio:
        """The recognizer.

        Raises:
            UserError: It cannot be loaded.
        """
        with self._loading:
            self._loaded = self._loaded or long_audio.from_pretrained(self.name)
        return self._loaded


@dataclass(frozen=True)
class Asked:
    """What a client wants to know of a recording."""

    format: str
    stream: bool
    options: Options = field(default_factory=Options)


def transcriptions(gateway: Gateway, recognizer: str) -> Handler:
    """The endpoint.

    Args:
        gateway: has a place for every request.
        recognizer: who listens.
    """
    recognizers = Recognizers(recognizer)

    @endpoint
    async def handle(request: Request) -> Response:
        if int(request.headers.get("content-length", "0") or 0) > MAX_FILE + 2**16:
            raise ApiError("The recording is larger than 25 MiB.", "file_too_large", "file")
        try:
            form = await request.form(max_files=1, max_fields=20)
        except MultiPartException as error:
            raise ApiError(f"This is no form with a file ({error.message}).") from error
        try:
            asked = asked_of(form)
            pcm = await sound_of(form)
        finally:
            await form.close()
        place = ExitStack()
        place.enter_context(gateway.admit("transcriptions"))
        if asked.stream:
            told = streamed(recognizers, pcm, asked.options, place)
            return StreamingResponse(told, media_type="text/event-stream")
        with place:
            heard = await asyncio.to_thread(transcribe, recognizers, pcm, asked.options)
        text = formats.FORMATS.get(asked.format)(heard)
        return Response(text, media_type=MEDIA.get(asked.format, "text/plain; charset=utf-8"))

    return handle


def asked_of(form: FormData) -> Asked:
    """What a form asks for.

    Raises:
        ApiError: It makes no sense.
    """
    if unknown := sorted(set(form) - ACCEPTED):
        raise ApiError(f"Unknown parameter: '{unknown[0]}'.", "unknown_parameter", unknown[0])
    wanted = str(form.get("response_format") or "json")
    if wanted not in formats.FORMATS:
        names = ", ".join(formats.FORMATS.names())
        raise ApiError(
            f"There is no format {wanted[:80]!r}: choose {names}.", param="response_format"
        )
    times = form.getlist(GRANULARITIES)
    if any(each not in ("word", "segment") for each in times):
        raise ApiError("Times are those of a word or a segment.", param=GRANULARITIES)
    stream = form.get("stream") in ("true", "True", "1")
    try:
        language = code(str(form["language"])) if form.get("language") else None
    except UserError as error:
        raise ApiError(str(error), param="language") from error
    words = "word" in times or wanted in formats.TIMED
    return Asked(wanted, stream, Options(language=language, words=words, partials=stream))


async def sound_of(form: FormData) -> Sound:
    """The sound of a form's file, [N] at 16 kHz.

    Raises:
        ApiError: There is none, or it is too large.
        UserError: It is no sound.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError("Missing required parameter: 'file'.", "missing_required_parameter", "file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.filename or "sound").name[-80:] or "sound")
        data = await file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ApiError("The recording is larger than 25 MiB.", "file_too_large", "file")
        path.write_bytes(data)
        return await asyncio.to_thread(read, path, SAMPLE_RATE)


def transcribe(recognizers: Recognizers, pcm: Sound, options: Options) -> Transcript:
    """The transcript of [N] samples."""
    *_, (_, heard) = growing(recognizers, pcm, options)
    return heard


def growing(
    recognizers: Recognizers, pcm: Sound, options: Options
) -> Iterator[tuple[str, Transcript]]:
    """The text so far while it grows, with an empty transcript; at last the transcript."""
    listener = recognizers.get()
    state = listener.start(options)
    for start in range(0, len(pcm), BLOCK):
        state = listener.feed(pcm[start : start + BLOCK], state)
        if options.partials:
            yield listener.partial(state).text, Transcript("")
    heard = listener.finish(state)
    yield heard.text, heard


async def streamed(
    recognizers: Recognizers, pcm: Sound, options: Options, place: ExitStack
) -> AsyncIterator[bytes]:
    """Server-sent events: the text while it grows, and all of it."""
    said, failure, heard = "", None, Transcript("")
    with place:
        try:
            async for text, made_so_far in made(partial(growing, recognizers, pcm, options)):
                heard = made_so_far
                if text.startswith(said) and len(text) > len(said):
                    yield event({"type": "transcript.text.delta", "delta": text[len(said) :]})
                    said = text
        except UserError as error:
            failure = str(error)
    if failure is not None:
        told: dict[str, Any] = {"type": "invalid_request_error", "message": failure}
        yield event({"type": "error", "error": told})
    else:
        yield event({"type": "transcript.text.done", "text": heard.text})
