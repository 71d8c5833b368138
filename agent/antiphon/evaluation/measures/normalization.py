"""Written text read aloud: the share of cases read as a person would, by kind."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.evaluation.scores import wilson_interval

CASES = Path(__file__).parents[1] / "normalization.tsv"


@dataclass(frozen=True)
class Case:
    """A written text and how it may be read."""

    kind: str
    written: str
    right: str
    """Words; `{a|b}` stands for either, `{a|}` for words that may be left out."""

    @property
    def held_out(self) -> bool:
        """One case in three is kept aside while rules are mended."""
        return zlib.crc32(self.written.encode()) % 3 == 0

    def accepts(self, heard: str) -> bool:
        """Whether a reading is right; case, hyphens and punctuation do not count."""
        pattern = re.sub(r"[^{|}]+", lambda part: re.escape(_words(part[0])), self.right)
        pattern = pattern.replace("{", "(?:").replace("}", ")")
        return re.fullmatch(f"(?:{pattern})", _words(heard)) is not None


def _words(text: str) -> str:
    """Words in lower case, a space behind each."""
    return "".join(f"{word} " for word in re.findall("[a-z]+", text.lower().replace("'", "")))


def cases() -> Iterator[Case]:
    """The cases written for this measure."""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield Case(*line.split("\t"))


def evaluate(
    read: Callable[[str], str], judged: Iterable[Case], *, wrong: bool = False
) -> dict[str, Any]:
    """Shares read right with their 95 % intervals: of all, of those held out and of each kind.

    Args:
        read: gives the spoken form of a text.
        judged: the cases.
        wrong: whether to list those read wrong.
    """
    readings = [(case, read(case.written)) for case in judged]
    results = [(case, heard, case.accepts(heard)) for case, heard in readings]
    kinds = sorted({case.kind for case, _, _ in results})
    result: dict[str, Any] = {
        "all": _share([ok for _, _, ok in results]),
        "held_out": _share([ok for case, _, ok in results if case.held_out]),
        "kinds": {
            kind: _share([ok for case, _, ok in results if case.kind == kind]) for kind in kinds
        },
    }
    if wrong:
        result["wrong"] = [
            {"written": case.written, "heard": heard, "right": case.right}
            for case, heard, ok in results
            if not ok
        ]
    return result


def table(result: Mapping[str, Any]) -> dict[str, str]:
    """The same for people, a line a share and a line a wrong reading."""
    shares = {"all": result["all"], "held out": result["held_out"], **result["kinds"]}
    lines = {
        name: f"{share['right']:.3f} of {share['n']} ({share['low']:.2f} to {share['high']:.2f})"
        for name, share in shares.items()
        if share["n"]
    }
    wrong = result.get("wrong", [])
    return lines | {each["written"]: f"{each['heard']}, not {each['right']}" for each in wrong}


def _share(results: list[bool]) -> dict[str, Any]:
    low, high = wilson_interval(sum(results), len(results))
    return {
        "right": round(sum(results) / len(results), 4) if results else None,
        "n": len(results),
        "low": round(low, 4),
        "high": round(high, 4),
    }
