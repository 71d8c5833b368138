"""Captions: words grouped so that they can be read while they are spoken."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Segment, Transcript, Word

LINE, LINES = 42, 2
"""Characters of a line, and lines of a caption (BBC and Netflix subtitle guidelines)."""
LEAST, MOST = SAMPLE_RATE, 7 * SAMPLE_RATE
"""Samples a caption stays."""
READ = 17
"""Characters a second that can be read."""
PAUSE = SAMPLE_RATE // 2
"""Samples of a pause at which a caption ends."""
STRONG, WEAK = (".", "!", "?", "…", "。", "？", "！"), (",", ";", ":", "—", "，")


@dataclass(frozen=True)
class Caption:
    """A text on the screen."""

    text: str
    """One or two lines."""
    start: int
    """First sample."""
    end: int
    """One past the last sample."""


def captions(transcript: Transcript) -> list[Caption]:
    """Captions in the order of time, which never overlap.

    A caption ends behind a sentence, a pause, or when it is full; then behind the last comma in
    its second half, if there is one. It stays until it can be read, if there is time before the
    next. Without the times of words they are spread over their segment by length.
    """
    groups = [
        group
        for segment in transcript.segments
        for group in _groups(segment.words or spread(segment))
    ]
    found = []
    for i, group in enumerate(groups):
        text = " ".join(word.text for word in group)
        free = groups[i + 1][0].start if i + 1 < len(groups) else group[-1].end + MOST
        readable = group[0].start + max(LEAST, len(text) * SAMPLE_RATE // READ)
        end = max(group[-1].end, min(readable, free))
        end = min(end, free) if free > group[0].start else end
        found.append(Caption(_lines(text), group[0].start, max(end, group[0].start + 16)))
    return found


def spread(segment: Segment) -> tuple[Word, ...]:
    """The words of a segment without times, each as long as its share of the letters."""
    words = segment.text.split()
    letters = sum(len(word) + 1 for word in words)
    found, at = list[Word](), 0
    for word in words:
        first, at = at, at + len(word) + 1
        length = segment.end - segment.start
        times = (segment.start + length * place // letters for place in (first, at))
        found.append(Word(word, *times))
    return tuple(found)


def _groups(words: Sequence[Word]) -> list[list[Word]]:
    groups: list[list[Word]] = []
    group: list[Word] = []
    for word in words:
        if group and not _fits([*group, word]):
            at = _break(group)
            groups.append(group[:at])
            group = group[at:]
            if group and not _fits([*group, word]):
                groups.append(group)
                group = []
        group.append(word)
        if word.text.endswith(STRONG):
            groups.append(group)
            group = []
    if group:
        groups.append(group)
    return [part for group in groups for part in _at_pauses(group)]


def _fits(group: Sequence[Word]) -> bool:
    text = " ".join(word.text for word in group)
    lines = textwrap.wrap(text, LINE, break_long_words=False)
    return len(lines) <= LINES and group[-1].end - group[0].start <= MOST


def _break(group: Sequence[Word]) -> int:
    """Behind which word a full caption ends."""
    for at in range(len(group), len(group) // 2, -1):
        if group[at - 1].text.endswith(WEAK):
            return at
    return len(group)


def _at_pauses(group: list[Word]) -> list[list[Word]]:
    parts = [[group[0]]]
    for before, word in pairwise(group):
        if word.start - before.end >= PAUSE:
            parts.append([])
        parts[-1].append(word)
    return parts


def _lines(text: str) -> str:
    """The text in lines of about the same length."""
    if len(text) <= LINE:
        return text
    best = textwrap.wrap(text, LINE, break_long_words=False)
    for width in range(len(text) // 2, LINE):
        lines = textwrap.wrap(text, max(width, 1), break_long_words=False)
        if len(lines) <= len(best):
            return "\n".join(lines)
    return "\n".join(best)
