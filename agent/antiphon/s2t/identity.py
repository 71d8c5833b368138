"""How an answer begins if a question asks who or what the assistant is, or who made it.

Small language models then tell of the assistant or the person whose words they were trained on, and
say yes to any name, whatever the prompt tells them; once the answer has begun rightly they go on
rightly. Of what people ask about its body or past they need no beginning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.messages import Turn

MAX_CHARACTERS = 300
"""Longest question that is looked at."""
NATURE = "I'm Antiphon, a computer program"
ITSELF = f"{NATURE} from an open-source project."
"""What it tells of itself if it is asked to."""
AGAIN = "I'm a computer program"
"""The same if its name was said just now."""
NAME = "My name is Antiphon"
MAKER = "I come from an open-source project, not from a company"

_KIND = (
    r"(?:humans?|persons?|people|man|woman|boy|girl|male|female|robot|machine|computer|bot|chatbot|"
    r"program|software|recording|ai|artificial|real|alive|somebody|someone|anybody|anyone)\b"
)
_BEFORE = (
    r"(?:(?:really|actually|an?|the|just|some|any|kind|sort|of|so|very|more|like|only|maybe|not|"
    r"even|perhaps|related|to|also|called|still|now|in|fact|or|woman|man|human|good|nice|big) )*"
)
"""Matches what may stand before such a word."""
_NAMED = r"[A-Z][\w-]*\b"
"""Matches a name that the assistant might be taken for."""
_ABOUT_NATURE = re.compile(
    r"(?i:\b(?:who|what)(?: (?:exactly|on earth|the hell))? (?:are you|you are)\b(?! \w+ing\b))"
    r"|(?i:\b(?:am i|are we|i'm|i am) (?:\w+ )?(?:talking|speaking|chatting) (?:to|with)\b)"
    rf"|(?i:\b(?:are you|aren't you|you're|you are|you sound|you seem|you look))"
    rf" (?i:{_BEFORE})(?:(?i:{_KIND})|{_NAMED})"
    rf"|(?i:\bis (?:this|there) {_BEFORE}{_KIND}"
    r"(?= (?:there|here|behind|on|talking|speaking)\b|\W*$))"
    rf"|(?i:\bis (?:this|that)) {_NAMED}\W*$"
    r"|(?i:\b(?:he|she|him|her|it)\b.*\b(?:about|call|to) you\b)"
    r"|(?i:\b(?:which|what) (?:\w+ )?(?:model|assistant|ai|system)\b.*"
    r"\b(?:are you|you are|runs? you|you run)\b)"
)
_ABOUT_ITSELF = re.compile(r"\b(?:about|introduce|describe) yourself\b", re.IGNORECASE)
_ABOUT_NAME = re.compile(
    r"\b(?:your (?:\w+ )?name\b|(?:what|how) .*\b(?:they|i|we|people) call you\b|"
    r"are you (?:called|named)\b)",
    re.IGNORECASE,
)
_ABOUT_MAKER = re.compile(
    r"\b(?:made|built|created|developed|designed|trained|programmed|invented|coded|owns?|runs?|"
    r"behind) you\b(?! (?:\w+ )?(?:want|like|need|mean|a|an|the|so|laugh|think|say|happy|sad)\b)"
    r"|\byour (?:\w+ )?(?:makers?|creators?|owners?|developers?|company|inventors?|programmers?)\b"
    r"|\b(?:company|firm|people|who) .*\byou (?:from|belong to|made by|work for)\b",
    re.IGNORECASE,
)


def beginning(question: str, history: Sequence[Turn] = ()) -> str:
    """How the answer to a question begins; empty if that is left to the language model.

    Args:
        question: what the user says, in English, as it was understood.
        history: the turns before.
    """
    text = question.replace("’", "'")
    if len(text) > MAX_CHARACTERS:
        return ""
    if _ABOUT_MAKER.search(text):
        return MAKER
    if _ABOUT_NAME.search(text):
        return NAME
    if _ABOUT_ITSELF.search(text):
        return ITSELF
    if not _ABOUT_NATURE.search(text):
        return ""
    answered = next((turn.text for turn in reversed(history) if turn.role == "assistant"), "")
    return AGAIN if "Antiphon" in answered else NATURE
