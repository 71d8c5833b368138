"""Target replies for the language model: short, plain spoken English."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from antiphon.training.corpora.voice import texts

HAND_WRITTEN = Path(__file__).parents[1] / "data" / "spoken_replies.jsonl"
TEMPLATES = (
    "That would be {}.",
    "It's {}.",
    "I believe it's {}.",
    "The answer is {}.",
    "That's {}.",
)


def written() -> list[tuple[str, str]]:
    """Question and reply pairs written by hand for this project."""
    rows = map(json.loads, HAND_WRITTEN.read_text(encoding="utf-8").splitlines())
    return [(row["question"], row["reply"]) for row in rows]


def trivia(data: Path) -> list[tuple[str, str]]:
    """Trivia questions with their gold answers as sentences."""
    found = []
    for question, answers in texts.questions(data):
        named = [" ".join(a.split()).strip(".") for a in answers if len(a.split()) <= 5]
        asks = question.endswith("?") or re.match(r"(?i)(wh|how)", question)
        vague = named and re.match(r"(?i)(all|none|both|true|false|yes|no)\b", named[0])
        if asks and named and not vague:
            found.append((question[0].upper() + question[1:], sentence(question, named)))
    return found


def sentence(question: str, answers: list[str]) -> str:
    """Turn a gold answer into one short sentence, reusing the question where grammar allows."""
    several = re.search(r"\b(are|were|countries|languages|states|kinds|types)\b", question)
    answer = listing(answers[:3]) if several else answers[0]
    asked = question.rstrip(" ?")
    if asked[:1].isupper():  # a lower-case question may contain uncapitalized names
        if match := re.fullmatch(
            r"(?:What|Who) (is|was|are|were) ((?:the|a|an) [^,]{3,60})", asked
        ):
            return f"{_upper(match[2])} {match[1]} {answer}."
        if match := re.fullmatch(r"Where (is|was|are|were) ((?:the )?[^,]{3,40})", asked):
            return f"{_upper(match[2])} {match[1]} in {answer}."
        if match := re.fullmatch(r"Who ([a-z]+(?:ed|ote|ade|on|ang|an) [^,]{3,60})", asked):
            return f"{_upper(answer)} {match[1]}."
    lead = random.Random(question).choice(TEMPLATES)
    return lead.format(answer)


def listing(names: list[str]) -> str:
    """Join `names` as a spoken list: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
