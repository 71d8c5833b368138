"""`POST /v1/audio/transcriptions`: what is said in a recording."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from antiphon.audio_file import read
from antiphon.runtime.frames import RATE
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.hearing import hear
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.rest.endpoint import Handler, endpoint

MAX_FILE = 25 * 2**20
"""Bytes of a recording."""
FORMATS = ("json", "text")
ACCEPTED = frozenset({"file", "model", "language", "prompt", "response_format", "temperature"})


def transcriptions(gateway: Gateway) -> Handler:
    """The endpoint."""

    @endpoint
    async def handle(request: Request) -> Response:
        if int(request.headers.get("content-length", "0") or 0) > MAX_FILE + 2**16:
            raise ApiError("The recording is larger than 25 MiB.", "file_too_large", "file")
        try:
            form = await request.form(max_files=1, max_fields=20)
        except MultiPartException as error:
            raise ApiError(f"This is no form with a file ({error.message}).") from error
        try:
            file, wanted = form.get("file"), str(form.get("response_format") or "json")
            if unknown := sorted(set(form) - ACCEPTED):
                raise ApiError(
                    f"Unknown parameter: '{unknown[0]}'.", "unknown_parameter", unknown[0]
                )
            if not isinstance(file, UploadFile):
                raise ApiError(
                    "Missing required parameter: 'file'.", "missing_required_parameter", "file"
                )
            if wanted not in FORMATS:
                raise ApiError(
                    f"There is no format {wanted[:80]!r}: choose {', '.join(FORMATS)}.",
                    param="response_format",
                )
            with gateway.admit("transcriptions"):
                text = await transcribed(gateway, file)
        finally:
            await form.close()
        return PlainTextResponse(f"{text}\n") if wanted == "text" else JSONResponse({"text": text})

    return handle


async def transcribed(gateway: Gateway, file: UploadFile) -> str:
    """What is said in a file.

    Raises:
        ApiError: It is too large.
        UserError: It is no sound.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.filename or "sound").name[-80:] or "sound")
        size = 0
        with path.open("wb") as copy:
            while piece := await file.read(2**20):
                size += len(piece)
                if size > MAX_FILE:
                    raise ApiError("The recording is larger than 25 MiB.", "file_too_large", "file")
                copy.write(piece)
        pcm = await asyncio.to_thread(read, path, RATE)
    return await hear(gateway.host.responder, pcm, RATE)
