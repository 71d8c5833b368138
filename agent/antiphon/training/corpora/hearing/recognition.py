"""The corpus of the recognizers: Whisper's encoder states of clips whose text is known.

States are computed once and kept as float16. A shard depends on the seed and its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import audio_file, datasets
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.hearing.heard_speech import (
    Questions,
    Recording,
    has_number,
    recordings,
)
from antiphon.training.corpora.hearing.synthetic_voices import Voice, training_voices

Sound = NDArray[np.float32]

SHARD = 128
"""Clips a shard."""
CHANGED = 0.5
"""Share of people's recordings that are changed."""
LONGEST = 12 * SAMPLE_RATE
"""Samples of a clip at most."""
TEXTS, OFTEN = 120_000, 3
"""Texts of dialogues by which tokens are chosen, and how often people's count beside them."""
SURE = -0.7
"""Mean log probability of a transcript that serves as a label."""
QUIET = SAMPLE_RATE * 3 // 20
"""Samples of the quietest place of a recording that is too long for a clip."""
DEV = ("librispeech_subset", "kathleen", "matthes_lj_sentences", "speechocean762")
DEV_CLIPS = 20
"""Of each collection, held out to watch the training."""
CORPUS, DEV_FILE = "corpus", "dev.pt"
"""Folder of the shards, and file of the held-out clips, beside each other."""


@dataclass(frozen=True)
class Clip:
    """A clip as a recognizer is shown it."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    text: str


class RecognitionCorpus:
    """Draws clips: people's recordings, half of them changed by room and noise; synthetic speech.

    Args:
        data: the data folder (docs/data.md).
        synthetic: how many clips are synthetic.
        versions: how many times each recording is there.
        limit: how many of all these clips are taken at most, by chance; None: all.
        voices: that speak them; None: all training voices.
        label: writes what is said in a recording without a text, or nothing if it is unsure;
            None: such recordings are left out.
    """

    def __init__(
        self,
        data: Path,
        synthetic: int,
        versions: int = 1,
        limit: int | None = None,
        voices: list[Voice] | None = None,
        label: Callable[[Sound], str] | None = None,
    ) -> None:
        self.label = label
        self.people = [clip for clip in recordings(data) if clip.text or label] * versions
        self.synthetic, self.limit = synthetic, limit
        self.augment, self.questions = Augment(data), Questions(data, has_number)
        self.voices = training_voices(None) if voices is None else voices

    @property
    def shards(self) -> int:
        """How many shards there are."""
        total = len(self.people) + self.synthetic
        return -(-min(total, self.limit or total) // SHARD)

    def clips(self, shard: int, seed: int) -> Iterator[tuple[Sound, str]]:
        """Sound [N] at 16 kHz and text of the clips of a shard."""
        total = len(self.people) + self.synthetic
        order = np.random.default_rng(seed).permutation(total)
        rng = np.random.default_rng([seed, shard])
        for at in order[shard * SHARD : (shard + 1) * SHARD]:
            if at < len(self.people):
                found = list(self._recorded(self.people[at]))
            else:
                found = [self._spoken(rng)]
            for pcm, text in found:
                if at >= len(self.people) or rng.random() < CHANGED:
                    pcm = self.augment(pcm, rng)
                if text and len(pcm) <= LONGEST:
                    yield pcm, text

    def _recorded(self, clip: Recording) -> Iterator[tuple[Sound, str]]:
        """A recording, or the parts of one whose text has to be written first."""
        pcm = audio_file.read(clip.path, SAMPLE_RATE)
        if clip.text:
            yield pcm, clip.text
        elif self.label:
            for part in parts(pcm):
                yield part, self.label(part)

    def _spoken(self, rng: np.random.Generator) -> tuple[Sound, str]:
        """A synthetic clip."""
        text = self.questions.draw(rng)
        while has_number(text):
            text = self.questions.draw(rng)
        return self.voices[int(rng.integers(len(self.voices)))].speak(text), text


def parts(pcm: Sound) -> list[Sound]:
    """A recording [N] in parts that are no longer than a clip, cut where it is quietest."""
    found = []
    while len(pcm) > LONGEST:
        first = LONGEST // 3
        loudness = np.convolve(np.abs(pcm[first : LONGEST - QUIET]), np.ones(QUIET), "valid")
        cut = first + int(loudness.argmin()) + QUIET // 2
        found.append(pcm[:cut])
        pcm = pcm[cut:]
    return [*found, pcm]


def texts(data: Path, seed: int = 0) -> list[str]:
    """Texts by which tokens are chosen: people's, and of those that are spoken to an agent."""
    said, asked = [clip.text for clip in recordings(data) if clip.text], Questions(data)
    pool = asked.trivia + asked.turns
    some = np.random.default_rng(seed).permutation(len(pool))[:TEXTS]
    return [*(said * OFTEN), *(pool[i] for i in some)]


def labeller(transcriber: Transcriber) -> Callable[[Sound], str]:
    """Writes what Whisper hears, unless it is unsure."""

    def label(pcm: Sound) -> str:
        frames = transcriber.encoder.whole(pcm)
        heard = transcriber.decoder.transcribe(frames, behind=transcriber.behind)
        text: str = transcriber.tokenizer.decode(list(heard.tokens))
        return text if float(heard.log_probs.mean()) > SURE else ""

    return label


def make(
    data: Path,
    work: Path,
    transcriber: Transcriber,
    *,
    synthetic: int,
    versions: int,
    limit: int | None,
    minutes: float,
    seed: int,
) -> bool:
    """Compute the states of the corpus and of the held-out clips; True if all are there.

    Args:
        data: the data folder (docs/data.md).
        work: gets `CORPUS` and `DEV_FILE`.
        transcriber: whose encoder's states they are; it writes the texts that are missing.
        synthetic: see `RecognitionCorpus`, as the next two.
        versions: of each recording.
        limit: of clips.
        minutes: time to take at most.
        seed: of the order and of what is made up.
    """
    clips = RecognitionCorpus(data, synthetic, versions, limit, label=labeller(transcriber))
    encoder = transcriber.encoder
    done = build(clips, encoder, work / CORPUS, minutes=minutes, seed=seed)
    make_dev(data, work, encoder)
    return done


def make_dev(data: Path, work: Path, encoder: AudioEncoder) -> None:
    """Compute the states of the held-out clips, unless they are in `work`."""
    if not (work / DEV_FILE).exists():
        work.mkdir(parents=True, exist_ok=True)
        write(work / DEV_FILE, dev_clips(data), encoder)


def build(
    corpus: RecognitionCorpus, encoder: AudioEncoder, out: Path, *, minutes: float, seed: int = 0
) -> bool:
    """Write the shards that `out` does not have yet; True if all are there.

    Args:
        corpus: of clips.
        encoder: of the states.
        out: folder of the shards.
        minutes: time to take at most.
        seed: of the order and of what is made up.
    """
    return numbered_files.write(
        out,
        corpus.shards,
        lambda number: states(corpus.clips(number, seed), encoder),
        minutes=minutes,
        kind="shard",
        digits=5,
    )


def dev_clips(data: Path) -> Iterator[tuple[Sound, str]]:
    """Sound and text of people's clips that nothing is trained on."""
    for part in DEV:
        rows = [
            row
            for row in datasets.clips(data / "speech" / part)
            if row["split"] == "dev" and row.get("text")
        ]
        for row in rows[:DEV_CLIPS]:
            pcm = audio_file.read(row["audio"], SAMPLE_RATE)
            if len(pcm) <= LONGEST:
                yield pcm, row["text"]


def states(clips: Iterator[tuple[Sound, str]], encoder: AudioEncoder) -> list[dict[str, Any]]:
    """The states of clips and their texts."""
    return [{"frames": encoder.whole(pcm).half(), "text": text} for pcm, text in clips]


def write(path: Path, clips: Iterator[tuple[Sound, str]], encoder: AudioEncoder) -> None:
    """Write the states of clips to a file, atomically."""
    numbered_files.save(states(clips, encoder), path)


def read(folder: Path) -> list[Clip]:
    """All clips of a folder of shards, in order."""
    return [clip for path in numbered_files.files(folder) for clip in _clips(path)]


def read_dev(work: Path) -> list[Clip]:
    """The held-out clips that `make` wrote to a folder."""
    return _clips(work / DEV_FILE)


def _clips(path: Path) -> list[Clip]:
    return [Clip(row["frames"], row["text"]) for row in torch.load(path, weights_only=True)]
