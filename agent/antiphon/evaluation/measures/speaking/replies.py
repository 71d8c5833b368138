"""How well replies are spoken: words understood and naturalness, beside the teacher's voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from antiphon.agent import Agent
from antiphon.evaluation.judges import Judges, Pcm
from antiphon.evaluation.scores import (
    Errors,
    difference_interval,
    mean,
    mean_interval,
    total,
    word_errors,
)
from antiphon.evaluation.spoken_replies import Reply, System, paths, text_of


@dataclass(frozen=True)
class Score:
    """How well a system spoke."""

    wer: float
    """Word error rate in percent."""
    mos: float
    """Mean opinion score, 1 to 5."""
    errors: tuple[Errors, ...] = ()
    """Word errors of each reply."""
    opinions: tuple[float, ...] = ()
    """Mean opinion score of each reply."""

    def over(self, other: Score) -> list[float]:
        """The 95 % interval of how far the word error rate is above another's, in points."""
        return [round(end, 3) for end in difference_interval(self.errors, other.errors)]

    def nicer(self, other: Score) -> list[float]:
        """The 95 % interval of how far the mean opinion score is above another's."""
        more = [a - b for a, b in zip(self.opinions, other.opinions, strict=True)]
        return [round(end, 3) for end in mean_interval(more)]


def measure(
    systems: Mapping[str, System], replies: Sequence[Reply], judges: Judges
) -> dict[str, Score]:
    """Let every system speak every reply, and judge them all.

    Args:
        systems: by name.
        replies: what is spoken.
        judges: who listens.
    """
    errors: dict[str, list[Errors]] = {name: [] for name in systems}
    scores: dict[str, list[float]] = {name: [] for name in systems}
    for reply in tqdm(replies, desc="judge", unit="reply"):
        for name, speak in systems.items():
            pcm = speak(reply)
            errors[name].append(word_errors(text_of(reply), judges.recognize(pcm)))
            scores[name].append(judges.naturalness(pcm))
    return {
        name: Score(total(wrong).percent, mean(scores[name]), tuple(wrong), tuple(scores[name]))
        for name, wrong in errors.items()
    }


def compared(scores: Mapping[str, Score], count: int) -> dict[str, Any]:
    """The table: each path of the voice beside the teacher.

    Args:
        scores: of "text", "teacher" and, where they differ from text, "hidden".
        count: how many replies were judged.
    """
    teacher, text = scores["teacher"], scores["text"]
    hidden = scores.get("hidden", text)
    result: dict[str, Any] = {"replies": count}
    for name, own in (("hidden", hidden), ("text", text)):
        result[name] = {
            "wer": round(own.wer, 3),
            "wer_over_teacher": round(own.wer - teacher.wer, 3),
            "wer_over_teacher_interval": own.over(teacher),
            "mos": round(own.mos, 3),
            "mos_below_teacher": round(teacher.mos - own.mos, 3),
        }
    result["hidden"]["wer_over_text"] = round(hidden.wer - text.wer, 3)
    result["hidden"]["wer_over_text_interval"] = hidden.over(text)
    result["teacher"] = {"wer": round(teacher.wer, 3), "mos": round(teacher.mos, 3)}
    return result


def evaluate(
    agent: Agent, teacher: Callable[[str], Pcm], replies: Sequence[Reply], judges: Judges
) -> dict[str, Any]:
    """Judge hidden path, text path and teacher on the same replies.

    A reply is spoken once where hidden states change nothing.

    Args:
        agent: whose voice speaks.
        teacher: speaks a text at the judges' rate.
        replies: what is spoken.
        judges: who listens.
    """
    systems = {**paths(agent), "teacher": lambda reply: teacher(text_of(reply))}
    return compared(measure(systems, replies, judges), len(replies))
