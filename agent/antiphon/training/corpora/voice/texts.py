"""Texts to speak, drawn from open text collections."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from antiphon.datasets import texts
from antiphon.errors import UserError

SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;:!?'’\"$%&()/-]*")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def questions(data: Path) -> list[tuple[str, list[str]]]:
    """Training questions with their answers; questions that need listed choices are left out."""
    found = []
    for name in ("qa/webquestions_train", "qa/webquestions_val", "qa/opentriviaqa"):
        for row in texts(data, name):
            question, answers = str(row["question"]), row["answers"]
            assert isinstance(answers, list)
            choices_needed = re.search(r"\b(these|following|except|those)\b", question, re.I)
            if SPEAKABLE.fullmatch(question) and len(question) < 120 and not choices_needed:
                found.append((question, [str(a) for a in answers]))
    return found


def turns(data: Path) -> Iterator[str]:
    """Yield the turns of dialogues, by users and assistants."""
    for row in texts(data, "dialogue/self_dialogue"):
        yield from row["turns"]
    for row in texts(data, "dialogue/sgd_train"):
        yield from (text for _, text in row["turns"])
    for row in texts(data, "dialogue/chatterbot_en"):
        yield from row["turns"]
    for name in ("clinc150", "snips"):
        yield from (str(row["text"]) for row in texts(data, f"intent/{name}"))


def exchanges(data: Path) -> list[tuple[str, str]]:
    """Consecutive pairs of dialogue turns; only short ones, like spoken replies."""
    talks = [row["turns"] for row in texts(data, "dialogue/self_dialogue")]
    talks += [[said for _, said in row["turns"]] for row in texts(data, "dialogue/sgd_train")]
    pairs = [pair for turns in talks for pair in pairwise(turns)]
    return [(asked, told) for asked, told in pairs if len(asked) < 120 and 8 < len(told) < 200]


def sentences(data: Path, count: int, seed: int, lexicon: Path | None = None) -> list[str]:
    """Draw `count` distinct sentences: dialogue, questions, short answers and rare words.

    Args:
        data: folder of the open collections (docs/data.md).
        count: number of sentences.
        seed: of the draw.
        lexicon: word list with one word per line, for rare words; None for no rare words.

    Raises:
        UserError: There is no such list.
    """
    if lexicon is not None and not lexicon.exists():
        raise UserError(f"There is no {lexicon}: install Debian's package wamerican.")
    rng = random.Random(seed)
    qa = questions(data)
    pools = [
        [s for turn in turns(data) for s in SENTENCE_END.split(turn)],
        [question for question, _ in qa],
        [f"{a[0].upper()}{a[1:]}." for _, answers in qa for a in answers if a],
    ]
    shares = [0.72, 0.12, 0.08]
    if lexicon is not None:
        words = [w for w in lexicon.read_text(encoding="utf-8").split() if w.isalpha()]
        pools.append([" ".join(rng.sample(words, rng.randint(3, 9))) + "." for _ in range(count)])
        shares.append(0.08)
    chosen: list[str] = []
    for pool, share in zip(pools, shares, strict=True):
        kept = sorted({_tidy(s) for s in pool if 2 <= len(s) <= 160 and SPEAKABLE.fullmatch(s)})
        rng.shuffle(kept)
        chosen += kept[: round(count * share / sum(shares))]
    rng.shuffle(chosen)
    return chosen


def _tidy(sentence: str) -> str:
    sentence = " ".join(sentence.split())
    sentence = sentence[0].upper() + sentence[1:]
    return sentence if sentence[-1] in ".!?" else sentence + "."
