"""Recorders: where the inputs and outputs of a conversation are kept; by default nowhere."""

from __future__ import annotations

from typing import Protocol

from antiphon.runtime.events import Event
from antiphon.runtime.frames import Frame
from antiphon.runtime.responders.worker import Output


class Recorder(Protocol):
    """Everything that, played again, makes the same conversation."""

    problem: str | None
    """Why recording stopped, in one sentence."""

    def frame(self, mic: Frame, out: Frame) -> None:
        """A frame [320] came in and a frame went out."""

    def command(self, name: str, value: object) -> None:
        """Something was called between two frames: a button, a count of samples heard."""

    def output(self, generation: int | None, output: Output) -> None:
        """The models handed this out during the frame that comes next."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def close(self) -> None:
        """The conversation is over."""


class NullRecorder:
    """Keeps nothing."""

    problem: str | None = None

    def frame(self, mic: Frame, out: Frame) -> None:
        """Nothing."""

    def command(self, name: str, value: object) -> None:
        """Nothing."""

    def output(self, generation: int | None, output: Output) -> None:
        """Nothing."""

    def event(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
