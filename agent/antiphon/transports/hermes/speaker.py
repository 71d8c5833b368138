"""The speaker of a satellite: cuts the voice into WAV files, and knows which of them were played.

A satellite says `playFinished` when it has played a file, and not how far it is in one. So a file
is heard when that comes. Of a satellite that never says so, a file counts as heard when the time is
over that it takes to play it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from antiphon.transports.mqtt.wire.messages import Heard
from antiphon.transports.mqtt.wire.packets import Packet

WAV_SECONDS = 1.0
"""Seconds of a WAV file: longer ones begin later, shorter ones leave more gaps."""
END_SECONDS = 0.15
"""Seconds without sound after which the rest of it is sent."""
MAX_PAUSE_SECONDS = 2.0
"""Seconds of silence in a file; a longer pause is made by sending the next one later."""
SILENT_SECONDS = 0.3
"""Seconds by which `playFinished` may be late, of satellites that never said it."""
LOST_SECONDS = 3.0
"""Seconds after which a file counts as lost, of those that do."""
MAX_LOST = 16
"""Files that were given up of which is known what was in them."""
ALIVE_SECONDS = 0.4
"""Seconds between two reports while a file is being played."""


@dataclass
class Playing:
    """A file that the satellite has got."""

    request: str
    sent: float
    """When, in seconds."""
    seconds: float
    """How long it lasts."""
    runs: list[tuple[int, int]]
    """Where its sound is in the stream: first and last sample of each piece."""


class Speaker:
    """Plays one stream of the server.

    Args:
        rate: samples a second of the voice.
        play: takes the samples of a file, 16 bits each, and says what its request is called.
        report: takes what was heard.
    """

    def __init__(
        self,
        rate: int,
        play: Callable[[bytes], str],
        report: Callable[[Heard], object],
    ) -> None:
        self._rate, self._play, self._report = rate, play, report
        self.acknowledges = False
        """Whether the satellite says what it has played."""
        self.follow(0)

    @property
    def sounding(self) -> bool:
        """Whether something is played or will be."""
        return bool(self._unsent or self._playing)

    def follow(self, stream: int) -> None:
        """Play another stream from now on; nobody asks for the one before any more."""
        self.stream, self.generation = stream, 0
        self._asked: int | None = None
        """The generation that comes when what is being played is over."""
        self._unsent, self._runs = bytearray(), list[tuple[int, int]]()
        self._next: int | None = None
        """Index of the next sample in the stream."""
        self._at = 0
        """Index of the sample up to which all was played or is lost."""
        self._playing: deque[Playing] = deque()
        self._lost: deque[Playing] = deque(maxlen=MAX_LOST)
        """Files that were given up; the satellite may still say that it has played them."""
        self._arrived = self._began = self._told = 0.0
        """When the last sound came, the first file began, and something was reported: seconds."""

    def clear(self, generation: int, now: float) -> None:
        """Drop what is older than `generation`; the satellite plays on what it has got."""
        if generation > self.generation and generation != self._asked:
            self._unsent.clear()
            self._runs, self._next, self._asked = [], None, generation
            self._answer(now)

    def take(self, packet: Packet, now: float) -> None:
        """Take sound of the server; old, doubled and late sound is dropped."""
        if packet.session != self.stream:
            return
        self.clear(packet.generation, now)
        passed = self._next is not None and packet.start < self._next
        if packet.generation < (self._asked or self.generation) or passed:
            return
        pause = 0 if self._next is None or not self._unsent else packet.start - self._next
        if pause > MAX_PAUSE_SECONDS * self._rate:
            self._send(now)
            pause = 0
        end = packet.start + len(packet.body) // 2
        self._unsent += bytes(2 * pause) + packet.body
        if self._runs and self._next == packet.start:
            self._runs[-1] = self._runs[-1][0], end
        else:
            self._runs.append((packet.start, end))
        self._next, self._arrived = end, now
        if len(self._unsent) >= WAV_SECONDS * 2 * self._rate:
            self._send(now)

    def finished(self, request: str, now: float) -> None:
        """The satellite has played a file; what it says twice counts for nothing."""
        self.acknowledges = True
        for each in [*self._playing, *self._lost]:
            if each.request == request:
                return self._over(each, now, heard=True)

    def tick(self, now: float) -> None:
        """Time passes."""
        if self._unsent and now - self._arrived >= END_SECONDS:
            self._send(now)
        patience = LOST_SECONDS if self.acknowledges else SILENT_SECONDS
        while self._playing and now >= self._began + self._playing[0].seconds + patience:
            first = self._playing[0]
            self._over(first, self._began + first.seconds, heard=not self.acknowledges)
        if self.sounding and now - self._told >= ALIVE_SECONDS:
            self._tell(self._at, self._at, now)

    def _send(self, now: float) -> None:
        body, runs = bytes(self._unsent), self._runs
        self._unsent, self._runs = bytearray(), []
        self._began = self._began if self._playing else now
        self._playing.append(Playing(self._play(body), now, len(body) / 2 / self._rate, runs))

    def _over(self, file: Playing, at: float, *, heard: bool) -> None:
        """A file was played, or is lost; the next one begins then."""
        if self._playing and file is self._playing[0]:
            self._playing.popleft()
            self._began = max(at, self._playing[0].sent) if self._playing else at
        else:
            (self._playing if file in self._playing else self._lost).remove(file)
        if not heard:
            self._lost.append(file)
        for start, end in file.runs:
            self._at = max(self._at, end)
            self._tell(start if heard else end, end, at)
        self._answer(at)

    def _answer(self, now: float) -> None:
        """Say that nothing more of an older generation is played, as soon as that is so."""
        if self._asked is not None and not self._playing:
            self.generation, self._asked = self._asked, None
            self._tell(self._at, self._at, now)

    def _tell(self, start: int, end: int, now: float) -> None:
        self._told = now
        self._report(Heard(self.stream, self.generation, end, start))
