"""How the sound of responses reaches the client: in events, or beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from antiphon.transports.realtime.protocol.formats import Encoder, Pcm

if TYPE_CHECKING:
    from antiphon.transports.realtime.protocol.response import Response


class Sound(Protocol):
    """The sound of one response."""

    def play(self, pcm: Pcm) -> None:
        """[N] more samples at 24 kHz."""

    def end(self) -> None:
        """Those were all."""

    def drop(self) -> bool:
        """Nothing more of it is to be played; returns whether some of it would have been."""


class AudioPath(Protocol):
    """Takes the sound of a session's responses."""

    @property
    def in_events(self) -> bool:
        """Whether sound travels in events, so that the client plays what it was sent."""

    def open(self, response: Response) -> Sound:
        """The sound of a response that begins."""


class EventAudio:
    """Sound travels in events (`response.output_audio.delta`)."""

    in_events = True

    def open(self, response: Response) -> EventSound:
        """See `AudioPath`."""
        return EventSound(response)


class EventSound:
    """The sound of one response in events.

    Args:
        response: it belongs to.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self._encode = Encoder(response.output_format)

    def play(self, pcm: Pcm) -> None:
        """See `Sound`."""
        self._response.sound_delta(self._encode(pcm))

    def end(self) -> None:
        """See `Sound`."""
        self._response.sound_delta(self._encode.flush())

    def drop(self) -> bool:
        """See `Sound`; the client has all of it, and drops it itself."""
        return False
