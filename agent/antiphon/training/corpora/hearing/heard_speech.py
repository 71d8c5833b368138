"""The S2T training corpus: Whisper states of synthetic questions and of real human speech.

Encoder and decoder states are computed once and stored as float16, so training does not recompute
them. A shard depends only on the seed and its number, and mixes all kinds of material.
"""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon import audio_file, datasets, settings, weights
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.recognition.whisper.transcriber import Transcriber, Transcription
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.hearing.synthetic_voices import Voice, training_voices
from antiphon.training.corpora.voice import texts

SHARD_CLIPS = 96
"""Clips per shard."""
HUMAN_COLLECTIONS = ("speechocean762", "kathleen", "matthes_lj_sentences", "librispeech_subset")
MAX_SECONDS = 20.0
"""Maximum clip length in seconds."""
MAX_TRIES = 50
"""Maximum number of texts drawn to find a hard one."""


@dataclass(frozen=True)
class Recording:
    """A real human clip."""

    path: Path
    """The audio file."""
    text: str
    """The transcript; empty if unknown."""


def recordings(data: Path) -> list[Recording]:
    """All real clips in the training splits of `data/speech`."""
    found = []
    for name in HUMAN_COLLECTIONS:
        folder = data / "speech" / name
        if not folder.exists():
            continue
        found += [
            Recording(row["audio"], row.get("text") or "")
            for row in datasets.clips(folder)
            if row["split"] == "train" and 0.5 < row["seconds"] < MAX_SECONDS
        ]
    return found


def written(heard: str, known: str) -> str:
    """Give `known` the case and punctuation of `heard` where their words agree.

    Prompts may be all capitals or lack punctuation. A recognizer's transcript has case and
    punctuation but may be wrong. Where the words differ, `known` wins; if `known` is empty, `heard`
    is returned, stripped.
    """
    if not known:
        return heard.strip()
    ours, theirs = known.split(), heard.split()
    if known.isupper():
        ours = [word.lower() if len(word) > 1 else word for word in ours]
        ours = ["I" + word[1:] if re.fullmatch(r"i('\w+)?", word) else word for word in ours]
    matcher = difflib.SequenceMatcher(
        a=[_bare(word) for word in ours], b=[_bare(word) for word in theirs], autojunk=False
    )
    for block in matcher.get_matching_blocks():
        ours[block.a : block.a + block.size] = theirs[block.b : block.b + block.size]
    text = " ".join(ours)
    return text[:1].upper() + text[1:]


def _bare(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower()) or word


class Questions:
    """Draws texts to synthesize: trivia questions and dialogue turns.

    Args:
        data: the data folder (docs/data.md).
        hard: whether a text is hard; half of the draws look for a hard one.
    """

    def __init__(self, data: Path, hard: Callable[[str], bool] = lambda text: True) -> None:
        self.hard = hard
        self.trivia = [question for question, _ in texts.questions(data)]
        self.turns = [
            turn
            for turn in texts.turns(data)
            if 8 <= len(turn) <= 140 and texts.SPEAKABLE.fullmatch(turn)
        ]

    def draw(self, rng: np.random.Generator) -> str:
        """Draw a text: trivia with probability 0.67, else a turn."""
        pool = self.trivia if rng.random() < 0.67 else self.turns
        hard = rng.random() < 0.5
        for _ in range(MAX_TRIES):
            text = " ".join(pool[int(rng.integers(len(pool)))].split())
            if not hard or self.hard(text):
                break
        return text[0].upper() + text[1:]


def has_number(text: str) -> bool:
    """Whether `text` contains digits, which Whisper and the language model tokenize differently."""
    return any(letter.isdigit() for letter in text)


class Corpus:
    """Builds shards.

    Args:
        data: the data folder (docs/data.md).
        listener: Whisper, whose states are stored.
        piper: folder of a Piper voice; None for no Piper voice.
        labels: transcripts of real clips without text, by file name (`pseudo_labels`).
    """

    def __init__(
        self, data: Path, listener: Transcriber, piper: Path | None, labels: dict[str, str]
    ) -> None:
        self.listener, self.labels = listener, labels
        self.augment, self.questions = Augment(data), Questions(data, has_number)
        self.real = recordings(data)
        self.voices: Sequence[Voice] = training_voices(piper)

    def clips(self, shard: int, seed: int) -> Iterator[tuple[NDArray[np.float32], str]]:
        """Yield audio [N] at 16 kHz and known text (may be empty) for each clip of a shard."""
        rng = np.random.default_rng([seed, shard])
        half = SHARD_CLIPS // 2 if self.real else 0
        order = np.random.default_rng(seed).permutation(len(self.real))
        for i in range(half):
            clip = self.real[order[(shard * half + i) % len(order)]]
            pcm = audio_file.read(clip.path, SAMPLE_RATE)
            text = clip.text or self.labels.get(clip.path.name, "")
            first_time = shard * half + i < len(order)
            yield (pcm if first_time and rng.random() < 0.5 else self.augment(pcm, rng)), text
        for _ in range(SHARD_CLIPS - half):
            text = self.questions.draw(rng)
            pcm = self.voices[int(rng.integers(len(self.voices)))].speak(text)
            pcm = pcm[: int(MAX_SECONDS * SAMPLE_RATE)]
            yield self.augment(pcm, rng), text

    def shard(self, number: int, seed: int, path: Path) -> float:
        """Write shard `number` to `path` and return its hours of audio."""
        clips = sorted(self.clips(number, seed), key=lambda clip: len(clip[0]))
        rows = []
        for i in range(0, len(clips), 16):
            batch = clips[i : i + 16]
            heard = self.listener.hear_batch([pcm for pcm, _ in batch])
            rows += [(h, written(h.text, text)) for h, (_, text) in zip(heard, batch, strict=True)]
        save(path, rows)
        return sum(len(pcm) for pcm, _ in clips) / SAMPLE_RATE / 3600


def save(path: Path, rows: Sequence[tuple[Transcription, str]]) -> None:
    """Write clips and their texts to one file, atomically."""
    part = path.with_suffix(".part")
    torch.save(
        [
            {
                "frames": heard.frames.half(),
                "words": heard.words.half(),
                "path": heard.path.short(),
                "heard": heard.text,
                "pieces": list(heard.pieces),
                "log_probs": heard.log_probs,
                "text": text,
            }
            for heard, text in rows
        ],
        part,
    )
    part.replace(path)


@lru_cache(maxsize=400)
def read(path: Path) -> list[tuple[Transcription, str]]:
    """Read the clips of a shard and their texts; states stay float16."""
    rows = torch.load(path, weights_only=True)
    return [
        (
            Transcription(
                row["frames"],
                row["words"],
                row["path"],
                row["heard"],
                tuple(row.get("pieces", ())),
                row.get("log_probs", torch.empty(0)),
            ),
            row["text"],
        )
        for row in rows
    ]


def pseudo_labels(data: Path, whisper: Path, out: Path) -> dict[str, str]:
    """Transcribe the real clips that have no text with a larger Whisper, cached in `out`.

    Args:
        data: the data folder.
        whisper: folder of a Whisper model with its `ctranslate2` files.
        out: JSON file; read instead if it exists.
    """
    if out.exists():
        labels: dict[str, str] = json.loads(out.read_text())
        return labels
    from faster_whisper import WhisperModel

    model = WhisperModel(str(whisper / "ctranslate2"), compute_type="int8", cpu_threads=1)
    labels = {}
    for clip in tqdm([c for c in recordings(data) if not c.text], desc="pseudo-labels"):
        pieces, _ = model.transcribe(
            audio_file.read(clip.path, SAMPLE_RATE),
            language="en",
            beam_size=1,
            without_timestamps=True,
        )
        labels[clip.path.name] = "".join(piece.text for piece in pieces).strip()
    out.write_text(json.dumps(labels, indent=0))
    return labels


def build(corpus: Corpus, out: Path, *, hours: float, minutes: float, seed: int = 0) -> float:
    """Add shards to `out` until there are `hours` of audio or `minutes` have passed.

    Returns:
        Hours of audio added by this call.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline, made, number = time.monotonic() + 60 * minutes, 0.0, 0
    with tqdm(total=round(hours, 2), desc="ears corpus", unit="h") as bar:
        while made < hours and time.monotonic() < deadline:
            path = out / f"{number:05d}.pt"
            if not path.exists():
                took = corpus.shard(number, seed, path)
                made += took
                bar.update(round(took, 3))
            number += 1
    return made


def folder(work: Path, recognizer: str) -> Path:
    """Where the shards are that a recognizer heard, below the work folder."""
    usual = recognizer == settings.Models.recognizer
    return work / "s2t" / ("corpus" if usual else f"corpus-{Path(recognizer).name}")


def ensure(
    data: Path,
    out: Path,
    listener: Transcriber,
    *,
    hours: float,
    minutes: float | None,
    seed: int = 0,
) -> bool:
    """Make a corpus in `out`, unless one is there; returns whether there is one.

    Args:
        data: the data folder (docs/data.md).
        out: folder of the shards; the labels are kept beside it.
        listener: Whisper, whose states are stored.
        hours: of audio.
        minutes: to take at most; None: a day.
        seed: of the clips.
    """
    if not any(out.glob("*.pt")):
        out.parent.mkdir(parents=True, exist_ok=True)
        labeler = weights.path(settings.load(settings.Training).labeler)
        labels = pseudo_labels(data, labeler, out.parent / "labels.json")
        most = 24 * 60 if minutes is None else minutes
        build(Corpus(data, listener, None, labels), out, hours=hours, minutes=most, seed=seed)
    return any(out.glob("*.pt"))
