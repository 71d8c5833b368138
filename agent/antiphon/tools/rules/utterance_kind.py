"""Whether an utterance asks for an action now, or forbids, asks, states or postpones one.

A tool that only informs may be asked for in any form; one that acts is not used for a question.
What is asked for indirectly ("it is too dark in here") does not name the action; so a sentence
that does name it, and neither commands nor wishes it, only speaks of it.
"""

from __future__ import annotations

import re

from antiphon.tools.rules.later import later
from antiphon.tools.rules.polarity import verbs_of
from antiphon.tools.rules.verbs import ActionWords, action_words
from antiphon.tools.tool import Tool, words_of

_POLITE = (
    r"(?:(?:please|hey|ok|okay|so|well|now|and|then|robot|just|kindly|first|next|finally|also|"
    r"no|yes|oh|alright|all right)\b[, ]*)*"
)
_SUBJECT = (
    r"(?:i|you|he|she|it|we|they|there|someone|somebody|anyone|anybody|the|my|your|our|his|her|"
    r"their|this|that|these|those|a|an)"
)
_NEGATOR = re.compile(
    r"\b(?:not|\w+n't|dont|cannot|never|no (?:need|reason|way|one|means|account)|nobody|none of|"
    r"avoid|refrain|hold off|forbid(?:den)?|prohibited|unnecessary|needless)\b",
    re.I,
)
_FORBIDS = re.compile(
    rf"^{_POLITE}(?:do not|don't|dont|never|avoid|refrain|hold off|under no circumstances|"
    r"by no means|on no account|(?:there is |there's )?no (?:need|reason)|better not|not|"
    r"you (?:must|should|may|need|can|shall|ought|do|did|will|would|could)(?: not|n't)|you cannot|"
    r"i (?:do not|don't|dont|did not|didn't|never) (?:want|ask|tell|told|need)(?:ed)? you|"
    r"i(?:'d| would) (?:rather|prefer) (?:that )?you (?:didn't|did not|don't|do not))\b",
    re.I,
)
"""What forbids, whatever it forbids."""
_STILL_ASKS = re.compile(
    r"\b(?:(?:do not|don't|dont|never) (?:forget|hesitate|be afraid|fail|be shy|wait)(?: to)?|"
    r"why (?:don't (?:you|we)|not)|(?:can't|couldn't|won't|wouldn't) (?:you|we|somebody|someone)|"
    r"(?:don't|wouldn't) you (?:want|like|mind)|if you (?:don't|wouldn't|do not) mind|"
    r"never mind(?: that| it| this)?|not only|if it's not|no (?:matter|problem))\b",
    re.I,
)
"""What has a "not" and asks all the same."""
_REQUEST = re.compile(
    rf"^{_POLITE}(?:(?:can|could|would|will|won't|can't|couldn't|wouldn't) "
    r"(?:you|we|somebody|someone)\b(?! (?:already|ever))|would you mind|why (?:don't|not)|"
    r"do you mind|are you able to|do you think you (?:can|could)|may i ask you|"
    r"(?:is|would) it (?:be )?possible (?:for you )?to|"
    r"(?:can|could|may) i (?:have|get|ask)|(?:can|could|may) i\b.*\bplease|how about|what about)\b",
    re.I,
)
_MAY_I = re.compile(rf"^{_POLITE}(?:can|could|may) (?:i|we)\b", re.I)
"""Asks for a service, but of a machine that moves or switches something whether it may."""
_WISH = re.compile(
    rf"^{_POLITE}i(?:'d| would)? (?:like|love|want|need|wish|prefer) (?:you )?to\b", re.I
)
"""What begins like this is about now, whatever was before."""
_QUESTION = re.compile(
    rf"^{_POLITE}(?:(?:is|are|was|were|am|does|did|has|have|had|isn't|aren't|wasn't|weren't|"
    r"doesn't|didn't|hasn't|haven't|don't|should|shouldn't|shall|may|might|must|can|could|will|"
    rf"would) {_SUBJECT}\b|do (?:i|you|we|they|people|these|those|any|all)\b|"
    r"do the (?:\w+ ){1,2}(?:have|need|work|look|go|come|turn|run|seem|open|close)\b|"
    r"when (?:is|are|was|were|do|does|did|will|can|should|has|"
    r"have)\b|(?:how|what(?! (?:i|you|we|they|he|she)\b)|what's|where|where's|who|who's|whose|"
    r"whom|which|why)\b)"
    r"|, (?:right|correct|(?:is|isn't|aren't|did|didn't|have|haven't|does|doesn't|has|hasn't|was|"
    r"wasn't|will|won't) (?:it|they|you|he|she|we))\W*$",
    re.I,
)
_INDIRECT_QUESTION = re.compile(
    r"\b(?:tell me|know|wonder|let me know|say|check|find out|see|remember|ask|unsure|sure)"
    r" (?:if|whether|how|what|when|where|who|why|which)\b",
    re.I,
)
_STATE = (
    r"(?:already |still |now |currently |always |not |never )*"
    r"(?:on|off|open|opened|closed|shut|locked|unlocked|running|playing|charging|broken|full|"
    r"empty|set|moving|driving|ready|muted|paused|too|very|quite|so|really|at|in)\b"
)
_STATEMENT = re.compile(
    rf"^{_POLITE}(?:the|my|your|our|his|her|their|this|that|these|those) (?:\S+ ){{1,8}}?"
    r"(?:is|are|was|were|isn't|aren't|wasn't|weren't|has been|have been|had been|will be) "
    rf"{_STATE}",
    re.I,
)
_HAS_SUBJECT = re.compile(
    rf"^{_POLITE}(?:{_SUBJECT}|nobody|everybody|everyone|no one|people|\w+'s|i'\w+|"
    r"\w+ (?:has|have|is|are|was|were|had))\b",
    re.I,
)
_WISHES = re.compile(
    r"\b(?:wants?|wish|needs?|likes?|love|please|should|must|ought|have to|has to|prefer|wanna|"
    r"time to|appreciate|expect|require|you (?:can|may|will|could)|let's|let us|go ahead|"
    r"i'll have|we'll have|would be (?:nice|great|good|lovely))\b",
    re.I,
)
_OF_THE_PAST = re.compile(
    r"\b(?:told|asked|tells|asks|wanted|needed|forgot|remembered|tried|used|had|decided|meant|"
    r"said|thought|heard|was|were|did|(?:would|should|could|must|might) have|usually|sometimes|"
    r"often|already|always) ",
    re.I,
)
"""What makes a sentence one about something else than now."""
_CLAUSE = re.compile(r"[,.;:!?]+\s*|\b(?:and|but|so|then|because|since)\b", re.I)
_PLEASE = re.compile(r"(?:[,.;:!?]+\s*|\b)please\b[, ]*", re.I)
"""What comes in front of a command, also behind something else."""
_CONTROLS = frozenset(
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
"""What tools that move or switch something begin with: no question asks for one."""
_MAKES = ("make", "set", "put", "change", "turn", "switch", "bring", "move", "start", "run")
"""Verbs that say of anything that it is to be different: "make the lamp red"."""
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


def acts(tool: Tool) -> bool:
    """Whether a tool changes the world: it has a switch, or its first verb is none of asking."""
    return any(p.kind == "boolean" for p in tool.parameters) or not _first_verbs(tool) & _INFORMS


def wants(text: str, tool: Tool) -> bool:
    """Whether an utterance about a tool asks to use it, now.

    Questions, statements, conditions and times hold back only tools that act: what merely informs
    may be asked for in any form.

    Args:
        text: the utterance.
        tool: the one it seems to be about.
    """
    text = " ".join(text.replace("’", "'").split())
    switches = [p for p in tool.parameters if p.kind == "boolean"]
    controls = bool(switches or _first_verbs(tool) & _CONTROLS)
    own = [verb for p in switches for verb in verbs_of(p, tool)]
    words = action_words(tool, [*own, *(_MAKES if controls else ())])
    names_action = bool(words.any_form.search(text))
    moves = acts(tool)
    if _forbidden(text, words if moves else None):
        about = f"{words_of(tool.name)} {tool.description}"
        return bool(_TAKES_BACK.search(about)) and not names_action
    if not moves:
        return True
    commanded = _commanded(text, words)
    acts_for_sure = names_action or controls
    if acts_for_sure:
        pleaded = any(words.command.match(part) for part in _PLEASE.split(text)[1:])
        served = not controls and _MAY_I.match(text)
        asks = _QUESTION.search(text) and not (_REQUEST.match(text) or pleaded or served)
        indirect = _INDIRECT_QUESTION.search(text) and not commanded
        if asks or indirect or _STATEMENT.match(text):
            return False
    if names_action and not commanded and _speaks_of_it(text):
        return False
    return not (acts_for_sure and later(text, tool))


def _forbidden(text: str, words: ActionWords | None) -> bool:
    """Whether a "not" stands at the beginning, or before the action (if given) in its clause."""
    text = _STILL_ASKS.sub(" ", text).strip(" ,")
    if _FORBIDS.match(text):
        return True
    if words is None:
        return False
    for clause in re.split(r"[,.;:!?]+\s*|\b(?:but|so)\b|\bplease (?!not\b|don't\b)", text):
        negator = _NEGATOR.search(clause)
        if negator and words.any_form.search(clause, negator.end()):
            return True
    return False


def _speaks_of_it(text: str) -> bool:
    """Whether a sentence has a subject and does not wish, or not now."""
    wishes = _WISHES.search(text) and not _OF_THE_PAST.search(text)
    return bool(_HAS_SUBJECT.match(text)) and not (wishes or _WISH.match(text))


def _commanded(text: str, words: ActionWords) -> bool:
    """Whether a clause begins with the action."""
    return any(
        words.command.match(re.sub(rf"^\s*{_POLITE}", "", clause, flags=re.I))
        for clause in _CLAUSE.split(text)
    )


def _first_verbs(tool: Tool) -> set[str]:
    """The words its description and name begin with, as infinitives too."""
    names = (tool.description.lower(), words_of(tool.name))
    verbs = [(text.split() or [""])[0] for text in names]
    return {form for v in verbs for form in (v, v.removesuffix("s"), v.removesuffix("es"))}
