"""Plays a recorded conversation through again: the same decisions, sample by sample.

Nothing but the models is left out: what they made is in the recording, with the frame in which it
arrived. So a recording from another machine can be looked at without any weights, many times
faster than it was made.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.messages import Turn
from antiphon.runtime.echo.canceller import EchoCanceller
from antiphon.runtime.events import Event, from_json
from antiphon.runtime.frames import FRAME, RATE, played
from antiphon.runtime.options import Options
from antiphon.runtime.recordings.recorder import Wave, output_of
from antiphon.runtime.responders.responder import Responder
from antiphon.runtime.responders.worker import Output, Work
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.turns.frame_analysis import Analyzer

PROGRESS_FRAMES = 50 * 60
"""Frames between two signs of progress: a minute."""


@dataclass(frozen=True)
class Replayed:
    """How a replay compares with its recording."""

    frames: int
    """How many were played through."""
    differs_at: float | None
    """Second of the first sample of the output that is another one; None: all are the same."""

    @property
    def seconds(self) -> float:
        """Length of the conversation."""
        return self.frames * FRAME / RATE


class RecordedWorker:
    """Hands out what was recorded, in the frame in which it arrived; does no work at all.

    Args:
        outputs: by frame.
    """

    def __init__(self, outputs: dict[int, list[tuple[int | None, Output]]]) -> None:
        self.generation = 0
        self._outputs = outputs
        self.pending = 0

    def submit(self, work: Work, generation: int | None = None) -> None:
        """It has been done already."""

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """What arrived in this frame."""
        return self._outputs.get(frame, [])

    def close(self) -> None:
        """Nothing to stop."""


class Recording:
    """A folder that `Recorder` wrote.

    Args:
        folder: the recording.

    Raises:
        UserError: It is none, or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            session = json.loads((folder / "session.json").read_text())
            self.options = Options.of(session["options"])
            self.seed = int(session["seed"])
            self.canceller: str | None = session["canceller"]
            lines = (folder / "timeline.jsonl").read_text().splitlines()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"'{folder}' holds no recording ({type(error).__name__}): "
                "give a folder made by `antiphon talk --record`."
            ) from error
        self.commands: dict[int, list[tuple[str, Any]]] = defaultdict(list)
        self.outputs: dict[int, list[tuple[int | None, Output]]] = defaultdict(list)
        rate = self.options.sample_rate
        replies = sound(folder / "replies.wav", rate)
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                break  # the last line of a process that was killed
            if "command" in record:
                self.commands[record["frame"]].append((record["command"], record["value"]))
            else:
                made = output_of(record, replies, rate)
                self.outputs[record["frame"]].append((record["generation"], made))


def replay(
    folder: Path,
    *,
    out: Path | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    progress: Callable[[int], object] = lambda frames: None,
    analyzer: Analyzer | None = None,
) -> Replayed:
    """Play a recording through.

    Args:
        folder: the recording.
        out: a WAV file for what is said this time.
        watch: takes every event.
        progress: called with the number of frames of each stretch played through.
        analyzer: in place of the real one.

    Raises:
        UserError: The folder holds no recording.
    """
    recording = Recording(folder)
    options = recording.options
    canceller = EchoCanceller(recording.canceller == "aec3") if recording.canceller else None
    conversation = Conversation(
        cast(Responder[Any], None),
        options,
        canceller=None if analyzer else canceller,
        work=RecordedWorker(recording.outputs),
        seed=recording.seed,
        analyzer=analyzer,
    )
    microphone = sound(folder / "input.wav", RATE)
    speaker = sound(folder / "output.wav", options.sample_rate)
    written = Wave(out, options.sample_rate) if out else None
    step = played(options.sample_rate)
    differs: float | None = None
    try:
        for frame in range(len(microphone) // FRAME):
            for name, value in recording.commands.get(frame, []):
                call(conversation, name, value)
            made = conversation.step(microphone[frame * FRAME : (frame + 1) * FRAME])
            expected = speaker[frame * step : (frame + 1) * step]
            if differs is None and not np.array_equal(made[: len(expected)], expected):
                differs = frame * FRAME / RATE
            if written:
                written.write(made)
            while conversation.events:
                watch(conversation.events.popleft())
            if frame % PROGRESS_FRAMES == PROGRESS_FRAMES - 1:
                progress(PROGRESS_FRAMES)
    finally:
        if written:
            written.close()
        conversation.close()
    progress(len(microphone) // FRAME % PROGRESS_FRAMES)
    return Replayed(len(microphone) // FRAME, differs)


def call(conversation: Conversation, name: str, value: Any) -> None:
    """Call what was called."""
    if name == "notice":
        conversation.notice(from_json(value))
    elif name == "remember":
        conversation.remember([Turn(*turn) for turn in value[0]], value[1])
    elif name == "configure":
        conversation.configure(Options.of(value[0]))
    elif value is None:
        getattr(conversation, name)()
    elif isinstance(value, list):
        getattr(conversation, name)(*value)
    else:
        getattr(conversation, name)(value)


def sound(path: Path, rate: int) -> NDArray[np.float32]:
    """[N] samples of a 16-bit WAV file.

    Raises:
        UserError: It is missing or another kind of file.
    """
    import soundfile

    try:
        pcm, found = soundfile.read(path, dtype="float32")
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"'{path}' cannot be read: the recording is damaged.") from error
    if found != rate or pcm.ndim != 1:
        raise UserError(f"'{path}' is not at {rate} Hz: the recording is damaged.")
    return np.asarray(pcm, np.float32)
