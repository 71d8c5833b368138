"""Single keys from the terminal, which is as before afterwards, however it ends."""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType
from typing import Any


class Keys:
    """Reads keys without waiting for a line; without a terminal there are none.

    A terminated process (SIGTERM, a closed window) leaves as if Ctrl-C had been pressed. Python
    drops what a signal raises inside a finalizer; so the next check of the keys raises it again.
    """

    def __init__(self) -> None:
        self._interrupted = False
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Keys:
        """Take the terminal."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if number := getattr(signal, name, None):
                self._handlers[number] = signal.signal(number, self._interrupt)
        if sys.stdin is not None and sys.stdin.isatty():
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back."""
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def pressed(self) -> str:
        """The keys pressed since the last call.

        Raises:
            KeyboardInterrupt: the process was told to end.
        """
        if self._interrupted:
            raise KeyboardInterrupt
        if self._before is None or not select.select([sys.stdin], [], [], 0)[0]:
            return ""
        return os.read(sys.stdin.fileno(), 64).decode(errors="ignore")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Leave by the way of Ctrl-C, so that everything is closed."""
        self._interrupted = True
        raise KeyboardInterrupt
