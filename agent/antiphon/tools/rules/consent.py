"""Yes or no, in answer to a question whether to act."""

from __future__ import annotations

import re
from typing import Literal

Answer = Literal["yes", "no", "again"]

_YES = (
    r"yes|yeah|yep|yup|aye|sure(?: thing)?|ok|okay|all right|alright|right|correct|exactly|"
    r"absolutely|definitely|certainly|of course|affirmative|confirm(?:ed)?|agreed|fine|go ahead|"
    r"go for it|(?:please )?do(?: it| that| so)?|you (?:may|can|should)|"
    r"that's (?:right|correct|it)|i do|i am|i'm sure|sounds good|by all means|proceed|make it so"
)
_NO = (
    r"no|nope|nah|don't|do not|never(?: mind)?|cancel(?: it| that)?|stop(?: it| that)?|negative|"
    r"wait|hold on|forget it|not (?:now|yet|at all|really)|leave it|abort|wrong|that's wrong|"
    r"please don't|better not|rather not|i don't|no way|absolutely not|of course not|"
    r"certainly not|definitely not"
)
_AGAIN = (
    r"what|pardon(?: me)?|sorry|excuse me|come again|say (?:that|it) again|repeat(?: that| it)?|"
    r"what did you say|what was that|(?:can|could) you (?:repeat|say) (?:that|it)(?: again)?|again"
)
_FILLERS = r"please|thanks|thank you|now|then|well|oh|um|uh|hm|robot|that|it|just|very much|so"


def _only(words: str) -> re.Pattern[str]:
    """A text of nothing but these words and fillers, with one of these at least."""
    gap = r"[\s,.!?;—-]*"
    filler = rf"(?:(?:{_FILLERS})\b{gap})*"
    return re.compile(rf"{gap}{filler}(?:(?:{words})\b{gap}{filler})+", re.I)


_PATTERNS: tuple[tuple[Answer, re.Pattern[str]], ...] = (
    ("no", _only(_NO)),
    ("yes", _only(_YES)),
    ("again", _only(_AGAIN)),
)
_BEGINS_NO = re.compile(r"\W*(?:no|nope|nah|don't|do not|stop|cancel|wait|never mind)\b", re.I)
_BEGINS_YES = re.compile(r"\W*(?:yes|yeah|yep|sure|okay|ok|right|all right)\b[\s,.!—-]*", re.I)


def answer(text: str) -> Answer | None:
    """What a whole utterance answers; None: it is no answer, or more than one.

    Whatever begins with a no is one: "no, the other door". What says more than yes is none: "yes,
    but not yet".
    """
    text = " ".join(text.replace("’", "'").split())
    for meaning, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return meaning
    return "no" if _BEGINS_NO.match(text) else None


def after_yes(text: str) -> str:
    """What follows a yes: "unlock it" of "Yes, unlock it."; "" if it does not begin with one."""
    match = _BEGINS_YES.match(text)
    return text[match.end() :] if match else ""
