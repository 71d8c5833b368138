"""Names, places and terms: how they are pronounced, and whether a listener understands them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from antiphon.evaluation.judges import Pcm
from antiphon.evaluation.scores import (
    Errors,
    difference_interval,
    total,
    wilson_interval,
    word_errors,
)
from antiphon.evaluation.spoken_replies import Reply, System, text_of
from antiphon.t2c.phonemes import SPACE
from antiphon.t2c.pronunciation.pronounced_words import PronouncedWord

FOLDER = Path(__file__).parents[2]
SENTENCES, UNSEEN, HETERONYMS = (
    FOLDER / name for name in ("names.txt", "unseen_names.txt", "heteronyms.tsv")
)
NAMES = 5000
"""Names that neither the pronouncer nor the lexicon has seen."""

Pronounce = Callable[[str], Sequence[PronouncedWord]]
"""How the words of a text are said."""


@dataclass(frozen=True)
class Heteronym:
    """A sentence with a word that is spelled like another."""

    sentence: str
    word: str
    right: str
    """Its phonemes here."""
    wrong: str
    """Those of the other word."""


def sentences(limit: int | None, seed: int) -> list[str]:
    """Sentences of names, places, terms and numbers, which were written or drawn for this."""
    found = SENTENCES.read_text(encoding="utf-8").splitlines()
    random.Random(seed).shuffle(found)
    return found[:limit]


def unseen_names(limit: int | None, seed: int) -> list[str]:
    """Names that are in no training text and in no lexicon."""
    found = UNSEEN.read_text(encoding="utf-8").split()
    random.Random(seed).shuffle(found)
    return found[:limit]


def heteronyms() -> Iterator[Heteronym]:
    """The sentences written for them."""
    for line in HETERONYMS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield Heteronym(*line.split("\t"))


def evaluate(
    systems: Mapping[str, System],
    teacher: Callable[[str], Pcm],
    replies: Sequence[Reply],
    recognize: Callable[[Pcm], str],
    seed: int = 0,
) -> dict[str, Any]:
    """Word errors of systems over the teacher's on the same sentences, with 95 % intervals.

    Args:
        systems: by name.
        teacher: speaks a text at the judge's rate.
        replies: the sentences.
        recognize: the judge.
        seed: of the bootstrap.
    """
    errors: dict[str, list[Errors]] = {name: [] for name in (*systems, "teacher")}
    for reply in tqdm(replies, desc="names", unit="sentence"):
        said = text_of(reply)
        for name, speak in systems.items():
            errors[name].append(word_errors(said, recognize(speak(reply))))
        errors["teacher"].append(word_errors(said, recognize(teacher(said))))
    own = total(errors["teacher"]).percent
    result: dict[str, Any] = {"sentences": len(replies), "teacher": {"wer": round(own, 3)}}
    for name in systems:
        rate = total(errors[name]).percent
        low, high = difference_interval(errors[name], errors["teacher"], seed)
        result[name] = {
            "wer": round(rate, 3),
            "wer_over_teacher": round(rate - own, 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }
    return result


def sound_error(
    names: Sequence[str],
    pronounce: Pronounce,
    label: Callable[[str], Sequence[str]],
    group: Callable[[Sequence[str]], Sequence[str]],
) -> float:
    """Sounds that differ from the teacher's, in percent of its sounds.

    Args:
        names: single words.
        pronounce: the voice.
        label: the teacher's phonemes of a word.
        group: phonemes to sounds.
    """
    from antiphon.training.jobs.voice.pronouncer import distance

    wrong = sounds = 0
    for name in tqdm(names, desc="pronounce", unit="name"):
        right = [sound for sound in group(label(name)) if sound != SPACE]
        said = group("".join(w.phonemes for w in pronounce(name)).replace(SPACE, ""))
        numbers = {sound: i for i, sound in enumerate({*right, *said})}
        wrong += distance([numbers[s] for s in said], [numbers[s] for s in right])
        sounds += len(right)
    return 100 * wrong / max(1, sounds)


def told_apart(
    cases: Sequence[Heteronym], pronounce: Pronounce, *, wrong: bool = False
) -> dict[str, Any]:
    """Share of heteronyms that sound more like the right word than like the other."""
    from antiphon.training.jobs.voice.pronouncer import distance

    def codes(said: str) -> list[int]:
        return [ord(symbol) for symbol in said]

    results = []
    for case in tqdm(cases, desc="heteronyms", unit="sentence"):
        words = [w for w in pronounce(case.sentence) if w.text.lower() == case.word]
        said = words[-1].phonemes if words else ""
        near = distance(codes(said), codes(case.right)) < distance(codes(said), codes(case.wrong))
        results.append((case, said, near))
    right = sum(ok for _, _, ok in results)
    low, high = wilson_interval(right, len(results))
    share = right / len(results) if results else float("nan")
    found: dict[str, Any] = {
        "right": round(share, 4),
        "n": len(results),
        "low": round(low, 4),
        "high": round(high, 4),
    }
    if wrong:
        found["wrong"] = [f"{c.word} ({s}): {c.sentence}" for c, s, ok in results if not ok]
    return found
