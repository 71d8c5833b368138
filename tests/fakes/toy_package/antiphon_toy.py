"""Another distribution, with one of each kind that a registry holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from antiphon.messages import Speech
from antiphon.recognition.recognizer import Transcript
from antiphon.runtime.frames import FRAME
from antiphon.settings import setting
from antiphon.tools import Call

REPLY = "A toy answers."
WORDS = ["<end>", *(f" {word}" for word in REPLY.split())]


class ToyTokenizer:
    """Knows the words of one reply; a character of anything else is its end mark."""

    eos_token_id = 0

    def __call__(self, text, add_special_tokens=False, return_offsets_mapping=False):
        return {
            "input_ids": [0] * len(text),
            "offset_mapping": [(i, i + 1) for i in range(len(text))],
        }

    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        return "".join(message["content"] for message in messages)

    def decode(self, ids, skip_special_tokens=False):
        return "".join(WORDS[i] for i in ids)


class ToyLanguageModel:
    """Writes the same reply to every question; its cache is the next word's index."""

    name = "toy-lm"
    tokenizer = ToyTokenizer()
    stop_tokens = frozenset([0])
    embeddings = torch.zeros(len(WORDS), 4)

    @classmethod
    def load(cls, name: str, corrections: Path | None) -> ToyLanguageModel:
        return cls()

    def weights(self):
        return {}

    def start(self, tokens):
        return 1

    def read(self, embeddings, cache):
        logits = torch.zeros(len(WORDS))
        logits[cache % len(WORDS)] = 1.0
        return torch.zeros(4), logits, cache + 1

    def keep(self, tokens, cache):
        """Let `start` go on from a cache."""

    def write(self, token, cache):
        return self.read(None, cache)


class ToyVoice:
    """Says every segment as a tenth of a second of sound."""

    sample_rate, samples_per_unit = 22_050, 0

    @classmethod
    def load(cls, name, vocabulary) -> ToyVoice:
        return cls()

    def speak(self, segments, *, source="hidden", seed=0):
        at = 0
        for segment in segments:
            pcm = np.full(self.sample_rate // 10, 0.1, np.float32)
            yield Speech(pcm, self.sample_rate, at, segment.text, final=segment.final)
            at += len(pcm)


class ToyCodec:
    """Its units are the sign of each sample."""

    sample_rate, unit_rate, samples_per_unit, n_units, lookahead = 8000, 8000.0, 1, 2, 0

    @classmethod
    def load(cls, source) -> ToyCodec:
        return cls()

    def encode(self, pcm):
        return (pcm > 0).astype(np.int64)

    def decode(self, units):
        return (2.0 * units - 1).astype(np.float32)

    def start(self):
        return None

    def step(self, units, state, final=False):
        return self.decode(units), None


class ToyChooser:
    """Asks for the tool whose name is said."""

    @classmethod
    def load(cls) -> ToyChooser:
        return cls()

    def announce(self, tools):
        return [tool.name for tool in tools]

    def decide(self, text, announced):
        said = [name for name in announced if name in text]
        return Call(said[0], {}) if said else None


class ToyRecognizer:
    """Hears how many samples there were."""

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, options=None):
        return 0

    def feed(self, pcm, state):
        return state + len(pcm)

    def finish(self, state):
        return Transcript(f"{state} samples")


class ToyDevice:
    """A second of silence from the microphone, and a speaker that plays at once."""

    def __init__(self) -> None:
        self.heard = 0

    @classmethod
    def open(cls, chosen, rate, emit) -> ToyDevice:
        return cls()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        return iter([np.zeros(FRAME, np.float32)] * 50)

    def play(self, frame):
        self.heard += len(frame)

    def clear(self):
        return self.heard


@dataclass(frozen=True)
class ToySettings:
    """Where the toy is."""

    TABLE = "toy"

    toy: str | None = setting(None, "Who is greeted by the toy transport.")


class ToyTransport:
    """Says one text in a conversation, and ends."""

    settings = ToySettings

    def prepare(self, chosen, options):
        if chosen.toy is None:
            return None

        async def serve(host) -> None:
            class Peer:
                robot, tools = chosen.toy, {}

            conversation = host.converse(Peer())
            conversation.say("Hello.")
            host.say(f"{chosen.toy} was greeted.")
            conversation.close()

        return serve


TOY = ToyTransport()
