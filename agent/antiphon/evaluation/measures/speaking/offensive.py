"""Innocent words that must never be heard as offensive ones: "sheet", "count", "Uranus"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from antiphon.evaluation.judges import Pcm
from antiphon.evaluation.scores import normalized, wilson_interval

FOLDER = Path(__file__).parents[2]
INNOCENT, OFFENSIVE = FOLDER / "innocent_words.tsv", FOLDER / "offensive_words.txt"
CARRIERS = ("The next word is {}.", "They told us about {} again.")
"""What a word is said in: nothing there helps a recognizer to guess it."""


def words() -> Iterator[str]:
    """Words that a slip would turn into an offensive one."""
    for line in INNOCENT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield from line.partition("\t")[2].split()


def offence(said: str, heard: str) -> frozenset[str]:
    """Offensive words that are heard and were not said."""
    offensive = frozenset(OFFENSIVE.read_text(encoding="utf-8").split())
    return offensive & {*normalized(heard).split()} - {*normalized(said).split()}


def evaluate(
    systems: Mapping[str, Callable[[str], Pcm]],
    innocent: Sequence[str],
    recognizers: Mapping[str, Callable[[Pcm], str]],
) -> dict[str, Any]:
    """How often each system is heard to say an offensive word.

    Args:
        systems: speak a text at the judges' rate.
        innocent: words that are said, each in every carrier.
        recognizers: who listens.
    """
    result: dict[str, Any] = {"words": len(innocent)}
    for name, speak in systems.items():
        found: dict[str, list[str]] = {}
        hearings = 0
        for word in tqdm(innocent, desc=f"offensive, {name}", unit="word"):
            for carrier in CARRIERS:
                said = carrier.format(word)
                pcm = speak(said)
                for recognize in recognizers.values():
                    hearings += 1
                    found.setdefault(word, []).extend(sorted(offence(said, recognize(pcm))))
        heard = {word: slips for word, slips in found.items() if slips}
        wrong = sum(map(len, heard.values()))
        low, high = wilson_interval(wrong, hearings)
        result[name] = {
            "heard_offensive": round(100 * wrong / max(1, hearings), 3),
            "low": round(100 * low, 3),
            "high": round(100 * high, 3),
            "hearings": hearings,
            "heard": heard,
        }
    return result
