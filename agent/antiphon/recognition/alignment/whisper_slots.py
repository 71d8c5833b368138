"""Alignment by slots on a Whisper: the aligner that is trained here (`antiphon train aligner`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import LongAligner
from antiphon.recognition.alignment.slot_head import CLASSES, SlotHead, SlotHeadConfig
from antiphon.recognition.alignment.slot_reading import best_path
from antiphon.recognition.alignment.slots import spoken
from antiphon.recognition.alignment.text_reading import (
    WINDOW,
    TextReader,
    word_states,
    word_windows,
)
from antiphon.recognition.alignment.whisper_listener import Sound, WhisperListener
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Word
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.transcriber import Transcriber

STATE_S = 0.02
"""Seconds of an encoder state."""
LONGEST = 24 * SAMPLE_RATE
"""Samples that are aligned at once at most."""
NEAR = 3
"""Classes beside the chosen one over which a time is averaged."""
TENTH = 10
"""Classes in a tenth of a second."""
OUTSIDE = -30.0
"""Log-probability of a class outside a word's window."""
NAME = "aligner"
"""The weights that come with Antiphon."""
FILE = "head.safetensors"


@dataclass(frozen=True)
class AlignerConfig:
    """What `config.json` says."""

    whisper: str
    """Name of the Whisper that reads."""
    head: SlotHeadConfig = field(default_factory=SlotHeadConfig)
    kind: str = "aligner"


class WhisperSlotAligner(WhisperListener):
    """Places words in an utterance by a head that was trained on a Whisper.

    Args:
        head: says when words begin and end.
        recognizer: the Whisper.
        name: of the weights.
    """

    longest = LONGEST
    languages: tuple[str, ...] = ("en",)
    doubtful = 0.8
    """Chosen on 27 recordings of people, with their own texts and with others'."""

    def __init__(self, head: SlotHead, recognizer: WhisperRecognizer, name: str) -> None:
        super().__init__(recognizer)
        self.head, self.name = head.eval(), f"slots of {name}"
        self.reader = TextReader(recognizer.transcriber)

    @torch.no_grad()
    def place(self, pcm: Sound, words: Sequence[str], language: str | None) -> list[Word]:
        """The words in an utterance [N]."""
        bare = [spoken(word) for word in words]
        if not any(bare):
            return [Word(word, 0, len(pcm), 0.0) for word in words]
        reading = self.reader.read(pcm, [word for word in bare if word])
        firsts, looks = word_windows(reading)
        row, count = torch.zeros(len(firsts), dtype=torch.long), len(reading.frames)
        scores, said = self.head(
            self.head.places(reading.frames[None], reading.mel[None]),
            self.head.words(word_states(reading)), looks, firsts, row, torch.tensor([count]),
        )  # fmt: skip
        seconds, steady = placed(scores, firsts, count)
        times = (seconds * SAMPLE_RATE).round().astype(int).tolist()
        sure = (said.sigmoid().numpy() * steady).tolist()
        found, at = list[Word](), 0
        for word, letters in zip(words, bare, strict=True):
            if letters:
                start, end = times[at]
                found.append(Word(word, start, end, sure[at]))
                at += 1
            else:  # a sign alone is where the next word begins
                start = times[min(at, len(times) - 1)][0]
                found.append(Word(word, start, start, None))
        return found


def placed(
    scores: torch.Tensor, firsts: torch.Tensor, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds [W, 2] at which words begin and end, and how sure that is.

    They are the likeliest that never step back, and lie between classes: the mean of those near.
    How sure a word's place is [W] is the probability that it is there but for a tenth of a second,
    the geometric mean of its start's and its end's.

    Args:
        scores: [W, 2, classes] log-probabilities in each word's window.
        firsts: [W] states at which the windows begin.
        count: states of the recording.
    """
    whole = torch.full((len(firsts), 2, CLASSES * (count + 2 * WINDOW)), OUTSIDE)
    at = CLASSES * (firsts + WINDOW)[:, None] + torch.arange(scores.shape[2])
    whole.scatter_(2, at[:, None].expand(-1, 2, -1), scores.clamp(min=OUTSIDE))
    flat = whole[:, :, CLASSES * WINDOW : -CLASSES * WINDOW].flatten(0, 1).numpy()
    path = best_path(flat)
    classes = np.arange(flat.shape[1])
    mass = np.exp(flat) * (np.abs(classes - path[:, None]) <= NEAR)
    mean = (mass * classes).sum(1) / mass.sum(1)
    times: NDArray[np.float64] = np.maximum.accumulate(mean).reshape(-1, 2) * STATE_S / CLASSES
    steady = (np.exp(flat) * (np.abs(classes - path[:, None]) <= TENTH)).sum(1).clip(0, 1)
    return times, np.sqrt(steady.reshape(-1, 2).prod(1))


def write(head: SlotHead, whisper: str, out: Path) -> None:
    """Write a trained head, float16."""
    out.mkdir(parents=True, exist_ok=True)
    config = asdict(AlignerConfig(whisper, head.config))
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    state = {name: value.half().contiguous() for name, value in head.state_dict().items()}
    save_file(state, out / FILE)


def load_head(folder: Path) -> tuple[SlotHead, AlignerConfig]:
    """The head in a folder and its facts.

    Raises:
        UserError: There is none, or it does not fit.
    """
    config = weights.read_config(folder, AlignerConfig)
    head = SlotHead(config.head)
    try:
        state = load_file(folder / FILE)
        head.load_state_dict({name: value.float() for name, value in state.items()})
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{folder / FILE} is no aligner of the sizes in its config.json: train it again."
        ) from error
    return head, config


def load(recognizer: str, name: str = NAME) -> LongAligner:
    """The aligner by slots.

    Args:
        recognizer: is not used: the head knows one Whisper only.
        name: of the weights; a folder.

    Raises:
        UserError: It is none, or cannot be fetched.
    """
    folder = weights.assets(name)
    head, config = load_head(folder)
    whisper = WhisperRecognizer(Transcriber.load(weights.path(config.whisper)), name=config.whisper)
    return LongAligner(WhisperSlotAligner(head, whisper, name))
