"""A satellite of Rhasspy's in virtual time: streams its microphone, plays files, says so."""

from __future__ import annotations

import io
import json
import wave
from collections import deque

import numpy as np

from antiphon.transports.hermes.bridge import Hermes
from antiphon.transports.mqtt.wire.envelope import Outgoing

OUT = 441
PACKET_FRAMES = 4


class Satellite:
    """A site of a network of the tests, with a translator of its own.

    `lost()` says whether the next file gets lost, `late` by how many seconds it says late that it
    has played one.
    """

    def __init__(self, net, site) -> None:
        self.net, self.site = net, site
        self.lost, self.late = lambda: False, 0.0
        self.finished: list[str] = []
        """Files that it has said it has played."""
        self.seconds = 0.0
        """Of sound that it has got and will play."""
        self.acknowledged: set[bytes] = set()
        """Frames of sound in them."""
        self._files: dict[str, bytes] = {}
        self._to_say: deque[float] = deque()
        self._mic: list[float] = []
        self._playing: deque[tuple[str, float]] = deque()
        self._due: deque[tuple[float, str]] = deque()
        self._seen = 0
        self._until = 0.0
        self.connect()

    def connect(self):
        """The translator begins anew, with the server."""
        self.hermes = Hermes(self.net.server)
        self.hermes._clock = self.net.clock
        self.hermes._say = self.net.said.append
        self.net.bridge(self.hermes)

    def send(self, leaf, **fields):
        self.net.post("satellite", Outgoing(f"hermes/{leaf}", json.dumps(fields).encode(), 1))

    def told(self, leaf):
        """What was sent to it."""
        return [json.loads(m.payload) for _, m in self.net.log if m.topic == f"hermes/{leaf}"]

    def speak(self, frames=20, level=0.5):
        self._to_say.extend([level] * frames)

    def restart(self):
        """What it was playing, it plays no more."""
        self._playing.clear()
        self._due.clear()

    def step(self):
        """A frame's time passes."""
        self._mic.append(self._to_say.popleft() if self._to_say else 0.0)
        if len(self._mic) == PACKET_FRAMES:
            sound, self._mic = np.repeat(self._mic, 320), []
            topic = f"hermes/audioServer/{self.site}/audioFrame"
            self.net.post("satellite", Outgoing(topic, wav(sound)))
        begins = f"hermes/audioServer/{self.site}/playBytes/"
        for _, message in self.net.log[self._seen :]:
            if message.topic.startswith(begins) and not self.lost():
                request = message.topic.removeprefix(begins)
                with wave.open(io.BytesIO(message.payload)) as file:
                    self._files[request] = file.readframes(10**7)
                seconds = len(self._files[request]) / 2 / 22_050
                self.seconds += seconds
                self._until = max(self._until, self.net.now) + seconds
                self._playing.append((request, self._until))
        self._seen = len(self.net.log)
        while self._playing and self._playing[0][1] <= self.net.now:
            self._due.append((self.net.now + self.late, self._playing.popleft()[0]))
        while self._due and self._due[0][0] <= self.net.now:
            self.acknowledge(self._due.popleft()[1])

    def run(self, frames):
        """Lets time pass, for everybody."""
        for _ in range(frames):
            self.step()
            self.net.run(1)

    def acknowledge(self, request):
        """It says that it has played a file."""
        self.finished.append(request)
        body = self._files[request]
        self.acknowledged |= {body[at : at + 2 * OUT] for at in range(0, len(body), 2 * OUT)}
        fields = {"id": request, "siteId": self.site, "sessionId": None}
        self.send(f"audioServer/{self.site}/playFinished", **fields)


def wav(sound, rate=16_000):
    """A WAV file of [N] samples."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(sound * 32767, "<i2").tobytes())
    return made.getvalue()
