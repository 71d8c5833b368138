"""Whether an utterance means another time, or only under a condition."""

from __future__ import annotations

import re

from antiphon.tools.spoken_numbers import numbers
from antiphon.tools.tool import Tool, words_of

_COUNT = (
    r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|"
    r"thirty|forty|forty-five|sixty|ninety)"
)
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_SPAN = (
    rf"(?:an?|half an|a few|a couple of|some|{_COUNT}(?: and a half)?) "
    r"(?:seconds?|minutes?|hours?|days?|weeks?)"
)
_LATER = re.compile(
    r"\b(?:later|this (?:afternoon|evening|weekend)|"
    rf"(?:tomorrow|tonight|next (?:week|month|year|time|{_DAY}))(?!'s)|on {_DAY}s?|"
    rf"every (?:day|night|morning|evening|hour|week|weekday|month|year|{_DAY})|"
    rf"every (?:other |{_COUNT} )?(?:days?|nights?|hours?|minutes?|weeks?)|"
    r"(?:at|by|from|before|after|until|till|around) (?:noon|midnight|dawn|dusk|sunrise|sunset|"
    r"night|bedtime|lunch|dinner|breakfast|supper|work|school|(?:half past|quarter (?:past|to)|"
    rf"a quarter (?:past|to)) {_COUNT}|\d{{1,2}}[:.]\d\d|{_COUNT}(?: (?:thirty|fifteen|"
    r"forty-five))? ?(?:o'clock|[ap]\.? ?m\b\.?|in the (?:morning|evening|afternoon)))|"
    rf"in (?:{_SPAN})|(?:{_SPAN}) from now|in the (?:morning|afternoon|evening|night)|"
    rf"the (?:moment|minute|second|instant) (?:i|you|he|she|it|we|they|the|my)\b|wait (?:{_SPAN}))",
    re.I,
)
_AT_A_NUMBER = re.compile(rf"\b(?:at|around|until|till) {_COUNT}\b(?=\W*$|, )", re.I)
"""A time of day, if the tool takes no such number."""
_CONDITION = re.compile(
    r"\b(?:(?:if|when|whenever|unless|until|as soon as|as long as|in case|while|provided) \w|"
    r"(?<!at )once (?!more\b|again\b|around\b)\w|(?:after|before) (?:i|you|he|she|it|we|they|the|"
    r"my|your|our|everybody|everyone)\b)",
    re.I,
)
_OPENING_CONDITION = re.compile(r"^\W*(?:if|unless|once|as soon as|in case|provided) \w", re.I)
_STATE = (
    r"(?: (?:on|off|in|open|closed|shut|locked|turned|switched|running|done|there|it|the list|"
    r"my list))*"
)
_COURTESY = re.compile(
    r"\b(?:if you (?:can|could|would|will|don't mind|please|want|like|wouldn't mind|have time|may)|"
    r"when(?:ever)? you (?:can|could|have|get|are|want|like|'re)|once you (?:can|have time)|"
    r"(?:if|when) (?:it's |it is |that's )?(?:not )?(?:too )?(?:possible|ok|okay|all right|needed|"
    r"necessary|convenient|much trouble)|if i may|(?:okay|ok|all right) if (?:i|we)|"
    r"as soon as (?:possible|you can)|"
    r"(?:appreciate it|grateful|glad|happy|nice|good|great|kind|lovely|love it|helpful) if you|"
    r"(?:if|unless) (?:it|they|that)(?:'s|'re| is| are| isn't| aren't)(?: not)?"
    rf"{_STATE} (?:already|still|yet){_STATE}(?=\W*$|,)|"
    r"(?:if|unless) (?:i|you|we)(?: have| haven't|'ve| did| didn't)?(?: not)? already"
    r"(?: did| have| done)?(?: so| it| that)?(?=\W*$|,))\b",
    re.I,
)
"""An "if" or "when" that asks for it now: what is on already may be turned on."""
_INDIRECT = re.compile(
    r"\b(?:know|tell me|see|check|say|ask|wonder|find out|sure) (?:if|when|whether)\b", re.I
)
"""An "if" that is no condition."""
_TIMED = re.compile(
    r"\b(?:time|timer|when|date|day|hour|minute|second|alarm clock|set \w* ?alarm|schedule|remind|"
    r"reminder|until|delay|"
    r"appointment|calendar|meeting|event|wake|duration|book|booking|reserve|order|trip|ticket|"
    r"weather|forecast|deadline|due|plan)s?\b",
    re.I,
)
_TAKES_BACK = re.compile(r"^\W*(?:cancel|delete|remove|clear|dismiss|drop|unbook)", re.I)
"""What a tool begins with that takes back something planned: the time is that of the plan."""
_CARRIES_WORDS = re.compile(
    r"\b(?:messages?|texts?|e-?mails?|mails?|letters?|posts?|announce)\b", re.I
)
_WORDS_CARRIED = re.compile(
    r"\b(?:text|send|write|e?mail|message|post|announce|tell)\b.*?\b(?:that|saying|asking|telling|"
    r"to (?:say|tell|ask)|and (?:say|tell|ask|invite|remind)|with the (?:message|words)|"
    r"(?:i|we|he|she|they)(?:'\w+| \w+))\b",
    re.I,
)
"""Where what a message says begins: its times are not those of sending it."""
_OF_SPEECH = re.compile(r"\b(?:voice|speak|speech|talk|whisper|pitch|answers?)(?:s|ing)?\b", re.I)
_SPEAKING = re.compile(
    r"\b(?:when|while|whenever) (?:(?:you(?:'re| are)? )(?:speak|talk|answer|reply)(?:ing)?|"
    r"(?:speaking|talking|answering|replying))\b(?! the)",
    re.I,
)
"""Manner, not time, where the tool changes how the robot speaks."""


def later(text: str, tool: Tool) -> bool:
    """Whether an utterance does not mean now.

    Args:
        text: the utterance.
        tool: the one it asks for; a time may be an argument of it.
    """
    text = _INDIRECT.sub(" ", text)
    text = _COURTESY.sub(" ", text)
    if _OPENING_CONDITION.match(text):
        return True
    about = f"{words_of(tool.name)} {tool.description} " + " ".join(
        f"{words_of(p.name)} {p.description}" for p in tool.parameters
    )
    if _TIMED.search(about) or any(map(_TAKES_BACK.match, (tool.description, tool.name))):
        return False
    if _OF_SPEECH.search(about):
        text = _SPEAKING.sub(" ", text)
    if _CARRIES_WORDS.search(about):
        text = _without_words_carried(text)
    if _CONDITION.search(text):
        return True
    counts = sum(p.kind in ("number", "integer") for p in tool.parameters)
    at = _AT_A_NUMBER.search(text)
    return bool(_LATER.search(text) or (at and len(numbers(text)) > counts))


def _without_words_carried(text: str) -> str:
    """What is left if what a message is to say is taken away."""
    begin = _WORDS_CARRIED.search(text)
    if begin is None or _CONDITION.search(text[: begin.end()]):
        return text
    return text[: begin.end()]
