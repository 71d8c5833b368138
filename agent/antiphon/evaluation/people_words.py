"""Recordings of people with the times of their words: by eye, or by a steady pocketsphinx."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.evaluation import material
from antiphon.evaluation.pocketsphinx_aligner import PocketsphinxAligner, steady
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Word
from antiphon.training.corpora.hearing.timed_speech import TimedSpeech, plain

CHECKED = Path(__file__).with_name("word_times.tsv")
"""Words of people that were placed by eye: recording, word, start and end in milliseconds."""
ENOUGH = 4
"""Words of a sentence at least."""


def checked(data: Path) -> Iterator[TimedSpeech]:
    """The recordings whose words were placed by eye.

    Args:
        data: the data folder.

    Raises:
        UserError: It lacks one of them.
    """
    lines = (line for line in CHECKED.read_text("utf-8").splitlines() if line[:1] != "#")
    rows = (line.split("\t") for line in lines)
    for name, words in groupby(rows, key=lambda row: row[0]):
        if not (data / name).is_file():
            raise UserError(f"{data / name} is missing: see docs/data.md for where it comes from.")
        yield TimedSpeech(
            audio_file.read(data / name, SAMPLE_RATE),
            tuple(Word(word, *map(samples, times)) for _, word, *times in words),
        )


def samples(milliseconds: str) -> int:
    """Samples in so many milliseconds."""
    return int(milliseconds) * SAMPLE_RATE // 1000


def steadily_timed(data: Path, count: int) -> list[TimedSpeech]:
    """What people say, of each collection alike, with the times of a steady pocketsphinx."""
    rival, found = PocketsphinxAligner(), list[TimedSpeech]()
    clips = material.clips(data)
    for part in material.RECORDINGS:
        mine = (clip for clip in clips if clip.part == part)
        fit = (c for c in mine if len(c.text.split()) >= ENOUGH and plain(c.text))
        known = (clip for clip in fit if rival.knows(clip.text))
        pairs = ((audio_file.read(clip.path, SAMPLE_RATE), clip.text) for clip in known)
        timed = ((pcm, steady(rival, pcm, text)) for pcm, text in pairs)
        kept = (TimedSpeech(pcm, words) for pcm, words in timed if words)
        found += islice(kept, -(-count // len(material.RECORDINGS)))
    return found
