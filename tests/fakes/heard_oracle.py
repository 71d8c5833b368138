"""Knows which words were confirmed, from the sound alone: what was sent, and of what one was told.

Every reply is noise of its own, so each frame of sound tells of which reply it is and where in it.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import mqtt_responders
import numpy as np
from mqtt_responders import OUT, RATE

from antiphon.messages import Speech, Word
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.agent_turn import AgentTurn
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.session.playback import Reply
from antiphon.transports.mqtt.server.session import Session
from antiphon.transports.mqtt.server.voice_sender import VoiceSender
from antiphon.transports.mqtt.wire.formats.format import to_pcm16

WORD, PAUSE = 9 * OUT, 2 * OUT
"""Samples of a word, and of the silence after it, which is not sent."""
COUNTS: Counter[str] = Counter()
"""What was tried in all: replies, words heard, words not heard."""


class NoisyResponder(mqtt_responders.FakeResponder):
    """The n-th reply of all is noise from n, with a pause after every other word."""

    numbers = itertools.count()

    def hum(self, count, cancelled):
        noise = np.random.default_rng(next(self.numbers))
        start = 0
        for i in range(count):
            if cancelled():
                return
            pcm = (0.1 + 0.2 * noise.random(WORD + PAUSE * (i % 2))).astype(np.float32)
            pcm[WORD:] = 0.0
            word = Word(f"w{i}", start, start + WORD)
            yield Speech(pcm, RATE, start, f" w{i}", (1,), (word,), i == count - 1)
            start += len(pcm)


def converse(session, made, words=8):
    """A conversation that forgets nothing; `made` collects them by robot."""
    analyzer: Any = mqtt_responders.FakeAnalyzer()
    options = Options(memory_tokens=1_000_000)
    talk = Conversation(NoisyResponder(words), options, work=InlineWorker(), analyzer=analyzer)
    made[session.robot] = talk
    return talk


class HeardOracle:
    """Watches a network of the tests; `wrong` collects what was remembered and should not be."""

    def __init__(self) -> None:
        self.frames: dict[bytes, tuple[Reply, int, int]] = {}
        """Of each frame of sound, as 16-bit samples: its reply, first sample, and count."""
        self.wire: dict[int, dict[int, bytes]] = defaultdict(dict)
        """Frames by stream, and by index on the wire."""
        self.confirmed: dict[int, Any] = {}
        """Which samples of a reply were confirmed, by its identity."""
        self.told: set[bytes] = set()
        """Frames of which at least a part was confirmed."""
        self.remembered: dict[int, list[str]] = defaultdict(list)
        """What should be in a conversation's history."""
        self.wrong: list[Any] = []
        self._replies: list[Reply] = []
        self._read: Any = None
        self._patches = ExitStack()

    def __enter__(self):
        for owner, name, watching in (
            (Reply, "read", self._reading),
            (Conversation, "step", self._stepping),
            (AgentTurn, "_finish", self._finishing),
            (Session, "take", self._taking),
            (VoiceSender, "take", self._sending),
        ):
            watched = watching(getattr(owner, name))
            self._patches.enter_context(patch.object(owner, name, watched))
        return self

    def __exit__(self, *_):
        self._patches.close()

    def _reading(self, real):
        def read(reply, count):
            start = reply.cursor
            sound = real(reply, count)
            self._read = reply, start, len(sound)
            return sound

        return read

    def _stepping(self, real):
        def step(conversation, mic):
            self._read = None
            out = real(conversation, mic)
            if self._read and self._read[2] and out.any():
                self.frames[to_pcm16(out).tobytes()] = self._read
            elif self._read:  # a pause needs no confirmation
                reply, start, count = self._read
                self.samples(reply)[start : start + count] = True
            return out

        return step

    def _finishing(self, real):
        def finish(turn, reply, reason, at):
            real(turn, reply, reason, at)
            self._check(reply, turn.finished.text)
            self.remembered[id(turn)] += [turn.finished.text] if turn.finished.text else []

        return finish

    def _taking(self, real):
        def take(session, leaf, message):
            if leaf == "audio/heard":
                told = json.loads(message.payload)
                if told["stream"] == session._out.stream:
                    self.confirm(told["stream"], told.get("start", 0), told["samples"])
            return real(session, leaf, message)

        return take

    def _sending(self, real):
        def take(sender, now):
            for packet in real(sender, now):
                for at in range(0, len(packet.body), 2 * OUT):
                    frame = packet.body[at : at + 2 * OUT]
                    if any(frame):
                        self.wire[packet.session][packet.start + at // 2] = frame
                yield packet

        return take

    def confirm(self, stream, start, stop):
        """A robot has said that it has played its stream from `start` to `stop`."""
        wire = self.wire[stream]
        for index in range(start // OUT * OUT, stop, OUT):
            if index in wire and wire[index] in self.frames:
                first, last = max(index, start) - index, min(index + OUT, stop) - index
                reply, at, count = self.frames[wire[index]]
                self.samples(reply)[at + first : at + min(last, count)] = True
                self.told.add(wire[index])

    def samples(self, reply):
        """Which samples of a reply were confirmed."""
        if id(reply) not in self.confirmed:
            self._replies.append(reply)  # so that its identity is not used again
            self.confirmed[id(reply)] = np.zeros(100 * WORD, bool)
        return self.confirmed[id(reply)]

    def _check(self, reply, text):
        """The reply is over: what is remembered of it must be what was confirmed."""
        heard = self.samples(reply)
        words = [w.text for w in reply.script.words if heard[(w.start + w.end) // 2 - 1]]
        whole = reply.complete and len(words) == len(reply.script.words)
        COUNTS.update(replies=1, heard=len(words), unheard=len(reply.script.words) - len(words))
        right = text.replace("—", " ").split() == words and ("—" in text) == (not whole)
        if not right and (text or words):
            self.wrong.append(SimpleNamespace(text=text, words=words, complete=reply.complete))
