"""`POST /v1/audio/speech`: a text, spoken; the sound is sent while it is made."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from antiphon.t2c.tempo import at_speed
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.insights import insights_of
from antiphon.transports.realtime.outside import made
from antiphon.transports.realtime.protocol.config import OPENAI_VOICES
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.validation import Strict, check
from antiphon.transports.realtime.rest.encoders import ENCODERS, Encoder
from antiphon.transports.realtime.rest.endpoint import Handler, body_of, endpoint, event

MAX_INPUT = 100_000
"""Characters of a text."""


class SpeechRequest(Strict):
    """What is to be said, and how."""

    input: Annotated[str, Field(min_length=1, max_length=MAX_INPUT)]
    model: str | None = None
    voice: Any = None
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"


def speech(gateway: Gateway) -> Handler:
    """The endpoint."""
    responder = gateway.host.responder

    @endpoint
    async def handle(request: Request) -> Response:
        asked = check(SpeechRequest, await body_of(request))
        known = {*insights_of(responder).voices, "default", *OPENAI_VOICES}
        voice = asked.voice.get("id") if isinstance(asked.voice, dict) else asked.voice
        if voice is not None and voice not in known:
            names = ", ".join(insights_of(responder).voices)
            raise ApiError(f"There is no voice {str(voice)[:80]!r}: choose {names}.", param="voice")
        if not asked.input.strip():
            raise ApiError("There is nothing to say.", "invalid_value", "input")
        place = ExitStack()
        place.enter_context(gateway.admit("speech"))
        stop = False

        def encoded() -> Iterator[bytes]:
            pieces = responder.say(asked.input, cancelled=lambda: stop)
            encoder: Encoder | None = None
            for piece in at_speed(pieces, asked.speed):
                encoder = encoder or ENCODERS[asked.response_format][1](piece.sample_rate)
                yield encoder(piece.pcm)
            yield encoder.finish() if encoder else b""

        async def sent() -> AsyncIterator[bytes]:
            nonlocal stop
            try:
                async for piece in made(encoded):
                    if piece and asked.stream_format == "sse":
                        audio = base64.b64encode(piece).decode()
                        yield event({"type": "speech.audio.delta", "audio": audio})
                    elif piece:
                        yield piece
                if asked.stream_format == "sse":
                    yield event({"type": "speech.audio.done", "usage": None})
            finally:
                stop = True
                place.close()

        media = "text/event-stream" if asked.stream_format == "sse" else None
        return StreamingResponse(sent(), media_type=media or ENCODERS[asked.response_format][0])

    return handle
