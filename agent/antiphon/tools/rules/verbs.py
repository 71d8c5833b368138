"""The verbs of a tool, and their forms: what somebody says who speaks of using it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from antiphon.tools.tool import Tool, words_of

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
    found = re.match(r"(\w+)(?:(?:,| or| and|, or) (\w+))?(?: or (\w+))?", description.lower())
    if not found:
        return ()
    first, *others = [_infinitive(word) for word in found.groups() if word]
    # "Turn the light on or off": what follows "or" is a verb only right behind the first one.
    return (first, *others)


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
    """The words for what a tool does, by its description and name.

    Args:
        tool: the tool.
        more: verbs that its arguments add.
    """
    verbs = {*leading_verbs(tool.description), _infinitive(words_of(tool.name).split()[0]), *more}
    return _patterns(frozenset(verbs))


@lru_cache(1024)
def _patterns(verbs: frozenset[str]) -> ActionWords:
    inflected = {form for verb in verbs for form in forms(verb)}
    return ActionWords(_one_of(inflected), _one_of(verbs))


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    said = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"\b(?:{said})\b", re.I)
