"""The verbs of a tool, and their forms: what somebody says who speaks of using it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from antiphon.tools.tool import Tool

_IRREGULAR = {
    "bring": "brought", "build": "built", "come": "came", "cut": "cut", "dig": "dug",
    "do": "did done", "draw": "drew drawn", "drive": "drove driven", "feed": "fed",
    "fly": "flew flown", "freeze": "froze frozen", "get": "got gotten", "give": "gave given",
    "go": "went gone", "grind": "ground", "hang": "hung", "hide": "hid hidden", "hold": "held",
    "keep": "kept", "lay": "laid", "let": "let", "light": "lit",
    "make": "made", "put": "put", "read": "read", "ride": "rode ridden", "ring": "rang rung",
    "run": "ran", "say": "said", "send": "sent", "set": "set", "shake": "shook shaken",
    "show": "showed shown", "shut": "shut", "sing": "sang sung", "speak": "spoke spoken",
    "spin": "spun", "stand": "stood", "stick": "stuck", "sweep": "swept", "swing": "swung",
    "take": "took taken", "tell": "told", "throw": "threw thrown", "wake": "woke woken",
    "wind": "wound", "write": "wrote written", "unwind": "unwound",
}  # fmt: skip


_NO_VERB = re.compile(r"\w+ing|\w+tion|when|how|what|where|who|why|which|whether|if|the|an?|my")
_BEGINS_WITH_VERBS = re.compile(
    r"(?P<first>\w+)(?:(?:,| or| and|, or) (?P<second>\w+))?(?: or (?P<third>\w+))? "
    r"(?:an?|the|my|your|our|its|this|that|it|some|something|somebody|one|all|both|how|up|down|out|"
    r"in|into|off|on|to|back|forwards?|backwards?|around|over|for|with|at|left|right)\b"
)
"""What tells "Weigh out some flour" from "Tax information"."""


@lru_cache(4096)
def forms(verb: str) -> tuple[str, ...]:
    """A verb, or a phrase that begins with one, as it is said: lock, locks, locked, locking."""
    head, _, rest = verb.partition(" ")
    stem = head.removesuffix("e")
    bare = {head, f"{head}s", f"{head}es", f"{stem}ed", f"{stem}ing"}
    bare |= {f"{head}{head[-1]}{end}" for end in ("ed", "ing")}
    if head.endswith("y"):
        bare |= {f"{head[:-1]}ies", f"{head[:-1]}ied"}
    bare |= set(_IRREGULAR.get(head, "").split())
    return tuple(f"{form} {rest}".strip() for form in bare)


@lru_cache(256)
def leading_verbs(description: str) -> tuple[str, ...]:
    """The verbs a description begins with: lock and unlock in "Lock or unlock the door."."""
    found = _BEGINS_WITH_VERBS.match(description.lower())
    words = [_infinitive(word) for word in found.groups() if word] if found else []
    return tuple(words) if words and not _NO_VERB.fullmatch(words[0]) else ()


def _infinitive(word: str) -> str:
    """The infinitive of "locks": a description may be in the third person."""
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True)
class ActionWords:
    """What somebody says who speaks of what a tool does."""

    any_form: re.Pattern[str]
    """lock, locked, locking, unlock, …"""
    command: re.Pattern[str]
    """lock, unlock: as a command begins."""


def action_words(tool: Tool, more: Iterable[str] = ()) -> ActionWords:
    """The words for what a tool does, by its description.

    Args:
        tool: the tool.
        more: verbs that its arguments add.
    """
    return _patterns(frozenset((*leading_verbs(tool.description), *more)))


@lru_cache(1024)
def _patterns(verbs: frozenset[str]) -> ActionWords:
    inflected = {form for verb in verbs for form in forms(verb)}
    return ActionWords(one_of(inflected), one_of(verbs))


def one_of(words: Iterable[str]) -> re.Pattern[str]:
    """Matches any of some words as a whole word, the longest first; none never matches."""
    said = "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"(?<!\w)(?:{said})(?!\w)", re.I)
