"""Recorders: a conversation on disk (`--record DIR`), complete however it ends; or nowhere.

    session.json     options, seed, echo canceller, version
    input.wav        what the microphone gave, muted stretches silent
    output.wav       what the speaker was given; sample by sample on the same clock
    replies.wav      every piece the models made, also what was never played
    events.jsonl     what happened
    timeline.jsonl   what was pressed, what was heard, and in which frame every piece arrived

The last two files and `input.wav` are all that `antiphon replay` needs.
"""

from __future__ import annotations

import json
import wave
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import antiphon
from antiphon.errors import UserError
from antiphon.messages import Speech, Word
from antiphon.runtime.events import Event, to_json
from antiphon.runtime.frames import RATE, Frame
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import Done, Failure, Judged, Output, Understood

WRITE_FRAMES = 25
"""Frames written at a time: half a second."""
OUTPUTS: dict[str, type[Understood | Judged | Done | Failure]] = {
    kind.__name__: kind for kind in (Understood, Judged, Done, Failure)
}


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


class Wave:
    """A 16-bit sound file that is complete after every write.

    Args:
        path: of the file.
        rate: samples a second.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self._raw = path.open("wb")
        self._file = wave.Wave_write(self._raw)
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)
        self.length = 0
        """Samples written."""

    def write(self, pcm: NDArray[np.float32]) -> None:
        """Append [N] samples, which are multiples of 1/32768."""
        self._file.writeframes((pcm * 32768).astype("<i2").tobytes())
        self._raw.flush()
        self.length += len(pcm)

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()
        self._raw.close()


class FileRecorder:
    """Records a conversation into a folder.

    Args:
        folder: new or empty.
        options: of the conversation.
        seed: of the conversation.
        canceller: what removes the echo: "aec3", "suppressor" or None.

    Raises:
        UserError: The folder cannot be written, or holds something already.
    """

    def __init__(
        self, folder: Path, options: Options, *, seed: int = 0, canceller: str | None = None
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise UserError(f"'{folder}' is not empty: record into a new folder.")
            session = {
                "antiphon": antiphon.__version__,
                "seed": seed,
                "canceller": canceller,
                "options": options.as_dict(),
            }
            (folder / "session.json").write_text(json.dumps(session, indent=2) + "\n")
            self._input = Wave(folder / "input.wav", RATE)
            self._output = Wave(folder / "output.wav", options.sample_rate)
            self._replies = Wave(folder / "replies.wav", options.sample_rate)
            self._events = (folder / "events.jsonl").open("w")
            self._timeline = (folder / "timeline.jsonl").open("w")
        except OSError as error:
            raise UserError(f"Cannot record into '{folder}' ({error.strerror}).") from error
        self.folder = folder
        self.problem: str | None = None
        self._closed = False
        self._frames = 0
        self._waiting: list[tuple[Frame, Frame]] = []

    def frame(self, mic: Frame, out: Frame) -> None:
        """Put down a frame of both sides."""
        self._waiting.append((mic, out))
        self._frames += 1
        if len(self._waiting) >= WRITE_FRAMES:
            self._guard(self._flush)

    def command(self, name: str, value: object) -> None:
        """Put down a call."""
        self._note({"frame": self._frames, "command": name, "value": value})

    def output(self, generation: int | None, output: Output) -> None:
        """Put down what the models made."""
        record: dict[str, Any] = {"frame": self._frames, "generation": generation}
        if isinstance(output, Speech):
            start = self._replies.length
            self._guard(lambda: self._replies.write(output.pcm))
            record |= {"output": "Speech", "samples": [start, start + len(output.pcm)]}
            record |= {"start": output.start, "text": output.text, "units": len(output.units)}
            record |= {"words": [[w.text, w.start, w.end] for w in output.words]}
            record |= {"final": output.final}
        else:
            record |= {"output": type(output).__name__, **asdict(output)}
        self._note(record)

    def event(self, event: Event) -> None:
        """Put down an event."""
        self._guard(lambda: self._line(self._events, to_json(event)))

    def close(self) -> None:
        """Write what is left; once is enough."""
        if self._closed:
            return
        self._closed = True
        self._guard(self._flush)
        for file in (self._input, self._output, self._replies, self._events, self._timeline):
            self._guard(file.close)

    def _note(self, record: dict[str, Any]) -> None:
        self._guard(lambda: self._line(self._timeline, record))

    def _line(self, file: Any, record: dict[str, Any]) -> None:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")
        if file is self._events:
            file.flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._timeline.flush()
            self._output.write(np.concatenate([out for _, out in waiting]))
            self._input.write(np.concatenate([mic for mic, _ in waiting]))

    def _guard(self, write: Any) -> None:
        """A full disk ends the recording, not the conversation."""
        if self.problem is None:
            try:
                write()
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                self.problem = f"The recording in '{self.folder}' ended early ({reason})."


def output_of(record: dict[str, Any], replies: NDArray[np.float32], rate: int) -> Output:
    """What `FileRecorder.output` wrote.

    Args:
        record: a line of the timeline.
        replies: [N] samples of `replies.wav`.
        rate: samples a second of it.
    """
    if record["output"] == "Speech":
        start, stop = record["samples"]
        words = tuple(Word(*word) for word in record["words"])
        return Speech(
            replies[start:stop],
            rate,
            record["start"],
            record["text"],
            units=(0,) * record["units"],
            words=words,
            final=record["final"],
        )
    kind = OUTPUTS[record["output"]]
    return kind(**{k: v for k, v in record.items() if k not in ("frame", "generation", "output")})
