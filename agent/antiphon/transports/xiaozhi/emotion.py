"""The face a device makes: a word of the sentence that is being said decides, else none does.

Nothing is known of what the agent feels, so nothing is guessed: most sentences are neutral.
"""

from __future__ import annotations

import re

RULES: tuple[tuple[str, str], ...] = (
    (r"don't understand|did(n't| not) understand|not sure (what|which|how)", "confused"),
    (r"h(a|e)h(a|e)|\blol\b", "laughing"),
    (r"\bjokes?\b|\bfunny\b|hilarious", "funny"),
    (r"\bsorry\b|\bsad(ly)?\b|unfortunately|i'm afraid", "sad"),
    (r"\bi love\b|\bdarling\b", "loving"),
    (r"\bwow\b|amazing|incredible", "surprised"),
    (r"\boh no\b|terrible|horrible", "shocked"),
    (r"\bhmm+\b|let me think", "thinking"),
    (r"delicious|tasty|\byum", "delicious"),
    (r"good night|sleep well", "sleepy"),
    (r"take it easy|\brelax", "relaxed"),
    (r"\bcool\b", "cool"),
    (r"of course\b|certainly|no problem", "confident"),
    (r"\bglad\b|\bgreat\b|\bhappy\b|wonderful|congratulations|well done|welcome|!\s*$", "happy"),
)
"""What is looked for, and the emotion it stands for; the first one that is found counts."""


def emotion(sentence: str) -> str:
    """The emotion of a sentence, by the names that the firmware has pictures for."""
    found = (name for pattern, name in RULES if re.search(pattern, sentence, re.IGNORECASE))
    return next(found, "neutral")
