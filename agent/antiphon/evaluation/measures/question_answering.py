"""Spoken question answering: is the right answer in what a listener hears?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from antiphon.evaluation.judges import Pcm
from antiphon.evaluation.material import Question
from antiphon.evaluation.scores import holds_answer, mean

WAYS = ("text", "s2t", "cascade")


@dataclass(frozen=True)
class Answer:
    """A reply as it was written, and what a recognizer hears when it is spoken."""

    written: str
    recognize: Callable[[], str]


Way = Callable[[str, Pcm], Answer]
"""Answers a question given as text and as sound at 16 kHz; looks at one of them."""


def evaluate(
    questions: Sequence[Question],
    speakers: Sequence[Callable[[str], Pcm]],
    ways: Mapping[str, Way],
) -> dict[str, Any]:
    """Ask every question in every way.

    An answer is right if it is heard. A reply that does not even hold it in writing is wrong and
    is not spoken: what a recognizer may hear in it by chance is no answer.

    Args:
        questions: what is asked.
        speakers: who asks, in turn.
        ways: "text", "s2t" and "cascade".
    """
    right: dict[str, list[tuple[bool, bool]]] = {way: [] for way in WAYS}
    for i, question in enumerate(tqdm(questions, desc="qa", unit="question")):
        pcm = speakers[i % len(speakers)](question.text)
        for way in WAYS:
            answer = ways[way](question.text, pcm)
            written = holds_answer(answer.written, question.answers)
            spoken = written and holds_answer(answer.recognize(), question.answers)
            right[way].append((spoken, written))
    return compared(right)


def compared(right: Mapping[str, Sequence[tuple[bool, bool]]]) -> dict[str, Any]:
    """The table, in percent.

    Args:
        right: for every way and question, whether the answer was heard, and whether it was written.
    """
    heard = {way: 100 * mean([spoken for spoken, _ in right[way]]) for way in WAYS}
    written = {way: 100 * mean([text for _, text in right[way]]) for way in WAYS}
    result: dict[str, Any] = {f"accuracy_{way}": round(heard[way], 3) for way in WAYS}
    ratio = heard["s2t"] / heard["text"] if heard["text"] else float("nan")
    return {
        **result,
        "ratio": round(ratio, 4),
        "written": {way: round(written[way], 3) for way in WAYS},
        "questions": len(right["text"]),
    }
