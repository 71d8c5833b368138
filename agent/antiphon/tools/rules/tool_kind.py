"""Whether a tool acts or informs, told by the verb its description begins with."""

from __future__ import annotations

import re

from antiphon.tools.tool import Tool, words_of

CONTROLS = frozenset(
    (
        *("turn", "switch", "set", "lock", "unlock", "open", "close", "shut", "drive", "move"),
        *("go", "walk", "roll", "rotate", "spin", "dim", "brighten", "raise", "lower", "lift"),
        *("tilt", "start", "stop", "activate", "deactivate", "enable", "disable", "arm", "disarm"),
        *("mute", "unmute", "pause", "resume", "heat", "cool", "bring", "pick", "put"),
        *("drop", "grab", "grip", "release", "press", "push", "pull", "park", "dock", "undock"),
        *("follow", "come", "fly", "land", "jump", "wave", "point", "shake", "spray", "water"),
        *("feed", "vacuum", "clean", "mop", "flash", "blink", "power", "connect", "disconnect"),
        *("adjust", "control", "toggle", "increase", "decrease"),
    )
)
"""What tools that move or switch something begin with: no question asks for one."""
_INFORMS = frozenset(
    (
        *("get", "read", "measure", "check", "tell", "say", "report", "show", "look", "find"),
        *("list", "return", "give", "query", "search", "calculate", "compute", "count"),
        *("describe", "estimate", "ask", "explain", "answer", "recommend", "suggest", "compare"),
        *("translate", "convert", "spell", "define", "help", "recall", "remember", "play"),
    )
)
"""What tools that only inform begin with."""
TAKES_BACK = re.compile(
    r"\b(?:cancel|stop|end|remove|delete|undo|disable|block|unsubscribe|mute|silence|forget|pause)",
    re.I,
)
"""Tools that a "don't" may ask for, but no "don't stop": "don't pay the charity any more"."""
_TELLS_WHETHER = re.compile(
    r"^(?:tell|say|check|find|report|show|look|see|ask)\w*(?: \w+)? (?:whether|if)\b", re.I
)


def acts(tool: Tool) -> bool:
    """Whether a tool changes the world: it has a switch, or its first verb is none of asking."""
    return any(p.kind == "boolean" for p in tool.parameters) or not _first_verbs(tool) & _INFORMS


def controls(tool: Tool) -> bool:
    """Whether a tool moves or switches something."""
    return any(p.kind == "boolean" for p in tool.parameters) or bool(_first_verbs(tool) & CONTROLS)


def takes_back(tool: Tool) -> bool:
    """Whether a tool ends or undoes something."""
    return bool(TAKES_BACK.search(f"{words_of(tool.name)} {tool.description}"))


def tells_whether(tool: Tool) -> bool:
    """Whether all a tool does is to say yes or no."""
    return bool(_TELLS_WHETHER.search(tool.description))


def _first_verbs(tool: Tool) -> set[str]:
    """The words its description and name begin with, as infinitives too."""
    names = (tool.description.lower(), words_of(tool.name))
    verbs = [(text.split() or [""])[0] for text in names]
    return {form for v in verbs for form in (v, v.removesuffix("s"), v.removesuffix("es"))}
