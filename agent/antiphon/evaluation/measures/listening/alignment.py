"""Alignment: how far the words of aligners are from where they are said, in milliseconds.

The accumulated average shift (AAS) of Qwen3-ASR's report (arXiv 2601.21337): the mean over words of
the mean of how far the start and the end are off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon.evaluation.scores import ratio_interval
from antiphon.recognition.alignment.aligner import Aligner
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Word

FAR_MS = 100.0
"""A word that is so far off is far off."""
MINUTE = 60 * SAMPLE_RATE
PAUSE_S = (0.3, 1.5)
"""Seconds between the sentences of a long scene."""


class Timed(Protocol):
    """Speech and when its words are said."""

    @property
    def pcm(self) -> NDArray[np.float32]:
        """[N] mono, 16 kHz."""

    @property
    def words(self) -> Sequence[Word]:
        """What is said."""


@dataclass(frozen=True)
class Scene:
    """Speech made of other speech."""

    pcm: NDArray[np.float32]
    words: tuple[Word, ...]


def scenes(
    spoken: Sequence[Timed],
    noisy: Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]],
    minutes: Mapping[str, float],
    seed: int = 0,
) -> dict[str, Sequence[Timed]]:
    """The kinds of recordings that are aligned: clean, in noise, and long.

    Args:
        spoken: sentences.
        noisy: what brings noise to a sentence, by kind.
        minutes: lengths of recordings made of all sentences one after another, by kind.
        seed: of the order of these, and of the pauses between them.
    """
    found: dict[str, Sequence[Timed]] = {"clean": spoken}
    for kind, change in noisy.items():
        found[kind] = [Scene(change(each.pcm), tuple(each.words)) for each in spoken]
    for kind, length in minutes.items():
        rng = np.random.default_rng(seed)
        shuffled = [spoken[i] for i in rng.permutation(len(spoken))]
        found[kind] = list(joined(shuffled, int(length * MINUTE), rng))
    return found


def joined(spoken: Sequence[Timed], samples: int, rng: np.random.Generator) -> Iterator[Scene]:
    """Sentences one after another with pauses, in recordings of so many samples at least.

    What is left at the end is a recording of its own only if nothing else is.
    """
    parts, words, at, made = list[NDArray[np.float32]](), list[Word](), 0, False
    for each in spoken:
        words += [word.moved(at) for word in each.words]
        pause = np.zeros(int(rng.uniform(*PAUSE_S) * SAMPLE_RATE), np.float32)
        parts += [each.pcm, pause]
        at += len(each.pcm) + len(pause)
        if at >= samples:
            made = True
            yield Scene(np.concatenate(parts), tuple(words))
            parts, words, at = [], [], 0
    if parts and not made:
        yield Scene(np.concatenate(parts), tuple(words))


def evaluate(
    aligners: Mapping[str, Aligner], scenes: Mapping[str, Sequence[Timed]]
) -> dict[str, Any]:
    """Shifts of each aligner in each kind of scene.

    Args:
        aligners: by name.
        scenes: recordings with known times, by kind.
    """
    total = len(aligners) * sum(map(len, scenes.values()))
    result: dict[str, Any] = {}
    with tqdm(total=total, desc="alignment", unit="recording") as bar:
        for name, aligner in aligners.items():
            result[name] = {
                kind: judged(aligner, recordings, bar.update) for kind, recordings in scenes.items()
            }
            if len(scenes.get("clean", ())) > 1:
                result[name]["clean"] |= doubts(aligner, scenes["clean"])
    return result


def doubts(aligner: Aligner, recordings: Sequence[Timed]) -> dict[str, Any]:
    """How often a text is said not to fit: its own (`doubted`), and the next recording's (`found`).

    With the mean confidence of words in each; nothing of an aligner that knows no confidence.
    """
    texts = [" ".join(word.text for word in each.words) for each in recordings]
    rows = list[tuple[bool, float]]()
    for text_of in (lambda i: texts[i], lambda i: texts[(i + 1) % len(texts)]):
        for i, recording in enumerate(recordings):
            try:
                found = aligner.align(recording.pcm, text_of(i), "en")
            except UserError:
                rows.append((True, 0.0))
                continue
            sure = [word.confidence for word in found.words if word.confidence is not None]
            if not sure:
                return {}
            rows.append((found.fits_until is not None, float(np.mean(sure))))
    own, other = np.array(rows).reshape(2, -1, 2).mean(1)
    return {
        "doubted": round(float(own[0]), 3),
        "found": round(float(other[0]), 3),
        "sure": round(float(own[1]), 3),
        "unsure": round(float(other[1]), 3),
    }


def judged(
    aligner: Aligner, recordings: Sequence[Timed], done: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """`aas_ms` with its 95 % interval over recordings, the share of words that are far off, RTF.

    And whether confidence tells which are (`told`).
    """
    shifts, sure, failed, spent = list[NDArray[np.float64]](), list[float | None](), 0, 0.0
    for recording in recordings:
        text = " ".join(word.text for word in recording.words)
        begun = time.perf_counter()
        try:
            words = aligner.align(recording.pcm, text, "en").words
        except UserError:  # nobody was heard: every word is where the recording ends
            failed += 1
            end = len(recording.pcm)
            words = tuple(Word(word.text, end, end) for word in recording.words)
        spent += time.perf_counter() - begun
        shifts.append(shift(words, recording.words))
        sure += [word.confidence for word in words]
        done()
    every = np.concatenate(shifts)
    length = sum(len(recording.pcm) for recording in recordings) / SAMPLE_RATE
    return {
        "aas_ms": round(float(every.mean()), 1),
        "interval": interval(shifts),
        "median_ms": round(float(np.median(every)), 1),
        "far": round(float((every > FAR_MS).mean()), 4),
        "words": len(every),
        "recordings": len(recordings),
        "failed": failed,
        **told(every, sure),
        "rtf": round(spent / length, 4),
    }


def told(shifts: NDArray[np.float64], sure: Sequence[float | None]) -> dict[str, float]:
    """How often a word that is far off has less confidence than one that is not (`told`).

    That is the area below the ROC curve: 0.5 tells nothing. Nothing if no word is far off, all are,
    or the aligner knows no confidence.
    """
    known = np.array([value is not None for value in sure])
    values, far = np.array([value or 0.0 for value in sure]), shifts > FAR_MS
    low, high = values[far & known], values[~far & known]
    if not len(low) or not len(high):
        return {}
    less = (low[:, None] < high).mean() + 0.5 * (low[:, None] == high).mean()
    return {"told": round(float(less), 3)}


def shift(found: Sequence[Word], true: Sequence[Word]) -> NDArray[np.float64]:
    """How far each word is off, in milliseconds: the mean of its start and its end."""
    places = np.array(
        [[(a.start, a.end), (b.start, b.end)] for a, b in zip(found, true, strict=True)], float
    )
    return np.asarray(np.abs(places[:, 0] - places[:, 1]).mean(1) * 1000 / SAMPLE_RATE)


def interval(shifts: Sequence[NDArray[np.float64]], seed: int = 0) -> list[float]:
    """95 % interval of the mean shift, drawn over recordings."""
    bounds = ratio_interval([float(each.sum()) for each in shifts], [*map(len, shifts)], seed)
    return [round(bound, 1) for bound in bounds]
