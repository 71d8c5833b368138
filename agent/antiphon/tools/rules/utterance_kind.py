"""Whether an utterance asks for an action now, or forbids, asks, states or postpones one.

A tool that only informs may be asked for in any form; one that acts is not used for a question.
"""

from __future__ import annotations

import re

from antiphon.tools.tool import Tool, words_of

_POLITE = r"(?:(?:please|hey|ok|okay|so|well|now|and|then|robot|just|kindly)[, ]+)*"
_SUBJECT = (
    r"(?:i|you|he|she|it|we|they|there|someone|somebody|anyone|anybody|the|my|your|our|his|her|"
    r"their|this|that|these|those|a|an)"
)
_FORBIDS = re.compile(
    rf"^{_POLITE}(?:(?:do not|don't|dont|never(?! mind)|"
    r"you (?:must|should|may|need|shall|can) ?n[o']t|"
    r"you (?:mustn't|shouldn't|needn't|can't)|(?:there is|there's) no need to|no need to|"
    r"i (?:do not|don't|dont) want you to|i would(?:n't| not) (?:like|want)(?: you)? to|"
    r"i'd rather you (?:didn't|did not)|avoid|refrain from|under no circumstances)\b)",
    re.I,
)
_STILL_ASKS = re.compile(
    rf"^{_POLITE}(?:do not|don't|dont|never) (?:forget|hesitate|be afraid|fail|you want)\b", re.I
)
_REQUEST = re.compile(
    rf"^{_POLITE}(?:(?:can|could|would|will|won't|can't|couldn't) (?:you|we|somebody|someone)\b"
    r"(?! (?:already|ever))|would you mind|why (?:don't|not)|do you mind|are you able to|"
    r"do you think you (?:can|could)|may i ask you|can i (?:have|get))",
    re.I,
)
_QUESTION = re.compile(
    rf"^{_POLITE}(?:(?:is|are|was|were|am|does|did|has|have|had|isn't|aren't|wasn't|weren't|"
    r"doesn't|didn't|hasn't|haven't|should|shall|may|might|must|do(?! an? )) "
    rf"{_SUBJECT}\b|when (?:is|are|was|were|do|does|did|will|can|should|has|have)\b|"
    r"(?:how|what|what's|where|where's|who|who's|whose|whom|which|why)\b|"
    r"(?:tell me|do you know|i wonder|i want to know|let me know|say|check|find out|see)"
    r" (?:if|whether|how|what|when|where|who|why|which)\b)",
    re.I,
)
_STATE = (
    r"(?:already |still |now |currently |always |not |never )*"
    r"(?:on|off|open|opened|closed|shut|locked|unlocked|running|playing|charging|broken|full|"
    r"empty|set|moving|driving|ready|muted|paused|too|very|quite|so|really|at|in)\b"
)
_STATEMENT = re.compile(
    rf"^{_POLITE}(?:(?:the|my|your|our|his|her|their|this|that|these|those) (?:\S+ ){{1,8}}?"
    rf"(?:is|are|was|were|isn't|aren't|wasn't|weren't|has been|have been|had been|will be) {_STATE}"
    r"|(?:i|he|she|we|they|you|somebody|someone|nobody|everybody|my \S+) (?:have |has |had |'ve )?"
    r"(?:just |already |always |usually |often |never |once )*(?:turned|switched|locked|unlocked|"
    r"opened|closed|drove|driven|moved|started|stopped|set|put|dimmed|raised|lowered|muted|"
    r"played|paused)\b)",
    re.I,
)
_LATER = re.compile(
    r"\b(?:tomorrow|tonight|later|this (?:afternoon|evening|weekend)|next (?:week|month|year|time|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)|on (?:mon|tues|wednes|thurs|fri|satur|sun)days?|"
    r"every (?:day|night|morning|evening|hour|week|weekday|(?:mon|tues|wednes|thurs|fri|satur|sun)"
    r"day)|at (?:noon|midnight|dawn|dusk|sunrise|sunset|night|bedtime)|"
    r"(?:at|by|from|before|after|until|till|around) (?:\d{1,2}(?:[:.]\d\d)|(?:half past |quarter "
    r"(?:past|to) )?(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    r"(?: (?:thirty|fifteen|forty-five))? ?(?:o'clock|[ap]\.? ?m\b\.?|in the (?:morning|evening|"
    r"afternoon)))|in (?:an?|\d+|one|two|three|four|five|ten|fifteen|twenty|thirty|half an|a few|"
    r"a couple of) (?:seconds?|minutes?|hours?|days?|weeks?))",
    re.I,
)
_CONDITION = re.compile(
    rf"\b(?:if|when|whenever|unless|until|once|as soon as|as long as|in case|after|before|while)"
    rf" {_SUBJECT}\b",
    re.I,
)
_COURTESY = re.compile(
    r"\b(?:if you (?:can|could|would|will|don't mind|please|want|like|wouldn't mind|have time)|"
    r"when(?:ever)? you (?:can|could|have|get|are|want|like|'re)|"
    r"once you (?:can|have time)|if (?:it's|it is|that's) (?:possible|ok|okay|all right))\b",
    re.I,
)
_ACTS = frozenset(
    (
        *("turn", "switch", "set", "lock", "unlock", "open", "close", "shut", "drive", "move"),
        *("go", "walk", "roll", "rotate", "spin", "dim", "brighten", "raise", "lower", "lift"),
        *("tilt", "start", "stop", "activate", "deactivate", "enable", "disable", "arm", "disarm"),
        *("mute", "unmute", "pause", "resume", "heat", "cool", "fetch", "bring", "pick", "put"),
        *("drop", "grab", "grip", "release", "press", "push", "pull", "park", "dock", "undock"),
        *("follow", "come", "fly", "land", "jump", "wave", "point", "shake", "spray", "water"),
        *("feed", "vacuum", "clean", "mop", "flash", "blink", "power", "connect", "disconnect"),
        *("adjust", "control", "toggle", "increase", "decrease"),
    )
)
"""What tools that change the world begin with, in their descriptions or names."""
_INFORMS = frozenset(
    (
        *("get", "read", "measure", "check", "tell", "say", "report", "show", "look", "find"),
        *("list", "return", "give", "query", "search", "calculate", "compute", "count"),
        *("describe", "estimate", "ask", "explain", "answer", "recommend", "suggest", "compare"),
        *("translate", "convert", "spell", "define", "help", "recall", "remember", "play"),
    )
)
"""What tools that only inform begin with."""
_TAKES_BACK = re.compile(
    r"\b(?:cancel|stop|end|remove|delete|undo|disable|block|unsubscribe|mute|silence|forget|pause)",
    re.I,
)
"""Tools that a "don't" may ask for: "don't pay the charity any more"."""
_TIMED = re.compile(
    r"\b(?:time|timer|when|date|day|hour|minute|second|alarm|schedule|remind|reminder|until|delay|"
    r"appointment|calendar|meeting|event|wake|duration|book|booking|reserve|order|trip|ticket|"
    r"weather|forecast|deadline|due|plan)s?\b",
    re.I,
)


def acts(tool: Tool) -> bool:
    """Whether a tool changes the world, by the verb its name or description begins with."""
    for text in (tool.description.lower(), words_of(tool.name)):
        verb = (text.split() or [""])[0]
        forms = {verb, verb.removesuffix("s"), verb.removesuffix("es")}
        if forms & _INFORMS:
            return False
        if forms & _ACTS:
            return True
    return False


def wants(text: str, tool: Tool) -> bool:
    """Whether an utterance about a tool asks to use it, now.

    Questions, statements, conditions and times hold back only tools that act: what merely informs
    may be asked for in any form.

    Args:
        text: the utterance.
        tool: the one it seems to be about.
    """
    text = " ".join(text.replace("’", "'").split())
    about = f"{words_of(tool.name)} {tool.description} " + " ".join(
        f"{words_of(p.name)} {p.description}" for p in tool.parameters
    )
    if _FORBIDS.match(text) and not _STILL_ASKS.match(text):
        return bool(_TAKES_BACK.search(about)) and not _TAKES_BACK.search(text)
    if not acts(tool):
        return True
    if _QUESTION.match(text) and not _REQUEST.match(text):
        return False
    if _STATEMENT.match(text):
        return False
    if _TIMED.search(about):
        return True
    if _CONDITION.search(text) and not _COURTESY.search(text):
        return False
    return not _LATER.search(text)
