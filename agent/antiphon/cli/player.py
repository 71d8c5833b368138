"""Plays speech while more of it is made, if the machine has a speaker."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Any

from antiphon.messages import Speech


class Player:
    """Plays pieces one after another in a thread of its own; without a speaker it does nothing.

    Leaving the context waits until everything has been heard.

    Args:
        wanted: False keeps silent.
    """

    def __init__(self, wanted: bool) -> None:
        self._waiting: queue.Queue[Speech | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._sounddevice: Any = speaker() if wanted else None

    def __enter__(self) -> Player:
        return self

    def play(self, piece: Speech) -> None:
        """Queue a piece."""
        if self._sounddevice is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._waiting.put(piece)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is None:
            return
        if error is not None:
            while not self._waiting.empty():
                self._waiting.get_nowait()
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        stream = None
        try:
            while (piece := self._waiting.get()) is not None:
                if stream is None:
                    stream = self._sounddevice.OutputStream(
                        samplerate=piece.sample_rate, channels=1, dtype="float32"
                    )
                    stream.start()
                stream.write(piece.pcm[:, None].copy())
            if stream is not None:
                stream.stop()
        except self._sounddevice.PortAudioError:
            return  # the speaker went away; the reply is still written
        finally:
            if stream is not None:
                stream.close()


def speaker() -> Any:
    """The module `sounddevice`, or None if nothing can be played here."""
    try:
        import sounddevice

        sounddevice.query_devices(kind="output")
    except (ImportError, OSError, ValueError):  # no PortAudio, or no device
        return None
    except Exception as error:
        if type(error).__name__ == "PortAudioError":
            return None
        raise
    return sounddevice
