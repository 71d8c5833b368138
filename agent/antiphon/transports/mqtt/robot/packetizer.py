"""The microphone of a robot on its way: frames into packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from antiphon.runtime.frames import FRAME, Frame
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.packets import MAX_FRAMES, Packet


class Packetizer:
    """Packs frames: many per packet during speech; few when a reply is due.

    Args:
        session: of the robot.
        format_: that was agreed upon.
    """

    def __init__(self, session: int, format_: Format) -> None:
        self.format, self._session = format_, session
        self._coder = format_.coder()
        self._frames: list[Frame] = []

    def take(
        self, frames: Sequence[Frame], end: int, sent: int, *, hurry: bool, last: bool
    ) -> Iterator[Packet]:
        """Takes frames and gives what is to be sent.

        Args:
            frames: of the microphone, each [320].
            end: index of the sample behind them.
            sent: milliseconds on the robot's clock.
            hurry: do not wait for more.
            last: no more will come for a while.
        """
        block, frames = self.format.block, [*self._frames, *frames]
        self._frames = frames
        if len(frames) < (block if hurry else MAX_FRAMES) and not last:
            return
        whole, start = len(frames) // block * block, end - len(frames) * FRAME
        self._frames = [] if last else frames[whole:]
        for at in range(0, whole, MAX_FRAMES):
            body = self._coder.encode(np.concatenate(frames[at : min(at + MAX_FRAMES, whole)]))
            yield Packet(self._session, 0, sent, start + at * FRAME, body)
