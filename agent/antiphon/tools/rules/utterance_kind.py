"""Whether an utterance asks for an action now, or forbids, asks, states or postpones one.

A tool that only informs may be asked for in any form; one that acts is not used for a question.
What is asked for indirectly ("it is too dark in here") does not name the action; so a sentence
that does name it, and neither commands nor wishes it, only speaks of it.
"""

from __future__ import annotations

import re

from antiphon.tools.rules.later import later
from antiphon.tools.rules.polarity import TOO_MUCH, verbs_of
from antiphon.tools.rules.tool_kind import (
    CONTROLS,
    TAKES_BACK,
    acts,
    controls,
    takes_back,
    tells_whether,
)
from antiphon.tools.rules.verbs import ActionWords, action_words
from antiphon.tools.tool import Tool

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
    rf"\b(?:{TOO_MUCH}|(?:do not|don't|dont) let (?:me|us) (?:forget|miss)|"
    r"(?:do not|don't|dont|never) (?:forget|hesitate|be afraid|fail|be shy|wait)(?: to)?|"
    r"why (?:don't (?:you|we)|not)|(?:can't|couldn't|won't|wouldn't) (?:you|we|somebody|someone)|"
    r"(?:don't|wouldn't) you (?:want|like|mind)|if you (?:don't|wouldn't|do not) mind|"
    r"never mind(?: that| it| this)?|not only|no (?:matter|problem)|"
    r"if it's not|if (?:it|they) (?:isn't|aren't)|if (?:i|you|we) haven't)\b",
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
_MAY_I = re.compile(
    rf"^{_POLITE}(?:(?:can|could|may) (?:i|we)|am i able to|"
    r"is there (?:a|any) way (?:to|i can|you can)|is it (?:ok|okay|all right) (?:if i|to))\b",
    re.I,
)
"""Asks for a service, but of a machine that moves or switches something whether it may."""
_WISH = re.compile(
    rf"^{_POLITE}i(?:'d| would)? (?:like|love|want|need|wish|prefer) (?:you )?to\b", re.I
)
"""What begins like this is about now, whatever was before."""
_QUESTION = re.compile(
    rf"^{_POLITE}(?:(?:is|are|was|were|am|does|did|has|had|isn't|aren't|wasn't|weren't|"
    r"doesn't|didn't|hasn't|haven't|don't|should|shouldn't|shall|may|might|must|can|could|will|"
    rf"would) {_SUBJECT}\b|(?:do|have) (?:i|you|we|they|people|these|those|any|all)\b|"
    rf"have {_SUBJECT}\b.*(?:\b(?:been|already|yet|gone)\b|\?)|"
    r"do the (?:\w+ ){1,2}(?:have|need|work|look|go|come|turn|run|seem|open|close)\b|"
    r"when (?:is|are|was|were|do|does|did|will|can|should|has|"
    r"have)\b|(?:how|what(?! (?:i|you|we|they|he|she)\b)|what's|where|where's|who|who's|whose|"
    r"whom|which|why)\b)"
    r"|, (?:right|correct|(?:is|isn't|aren't|did|didn't|have|haven't|does|doesn't|has|hasn't|was|"
    r"wasn't|will|won't) (?:it|they|you|he|she|we))\W*$",
    re.I,
)
_INDIRECT_QUESTION = re.compile(
    r"\b(?!see (?:if|whether) you can)(?:tell me|know|wonder|let me know|say|check|find out|see|"
    r"remember|ask|unsure|sure) (?:if|whether|how|what|when|where|who|why|which)\b",
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
    r"time to|appreciate|expect|require|gotta|got to|you (?:can|may|will|could)|"
    r"(?:can|could|will|would) you|let's|let us|go ahead|"
    r"i'll have|we'll have|(?:glad|grateful|happy|kind) if you|"
    r"would be (?:nice|great|good|lovely))\b",
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
_ASKED_BEHIND = re.compile(
    r"(?:[,.;:!?]+\s*|\b)please\b[, ]*|(?:,\s*|\b(?:so|and|but) )(?:can|could|will|would) you |"
    r",\s*(?:then |just |so )?(?=\w+ (?:to |at )?(?:it|them|me)\b(?!.*\b(?:and|or)\b))",
    re.I,
)
"""What comes in front of a command, also behind something else: "it is still open, close it"."""
_MAKES = ("make", "set", "put", "change", "turn", "switch", "bring", "move", "start", "run")
"""Verbs that say of anything that it is to be different: "make the lamp red"."""
_STOPPED = re.compile(
    rf"^{_POLITE}(?:how (?:do|can|could) (?:i|we) (?:stop|silence|mute) you|"
    r"(?:how (?:do|can|could) (?:i|we) (?:make|get) you|why (?:won't|can't) you)"
    r" (?:to )?(?:stop|shut|be quiet))\b",
    re.I,
)
"""Who asks how to stop the robot wants it to stop."""
_ORDERS = re.compile(
    rf"^{_POLITE}(?:i(?:'d| would)? (?:like|want|need) (?:you )?to |(?:go ahead and|let's) )?"
    rf"(?:{'|'.join(sorted(CONTROLS))}|book|reserve|cancel|order|buy|rent|pay|make|send|call|add) "
    r"(?:me |us )?(?:an?|the|my|our|this|that|it|them)\b"
    r"(?!.*(?:\?|\b(?:if|whether|check|find|see)\b))",
    re.I,
)
"""Commands of an action, which a tool that only tells whether something is so cannot do."""


def wants(text: str, tool: Tool) -> bool:
    """Whether an utterance about a tool asks to use it, now.

    Questions, statements, conditions and times hold back only tools that act: what merely informs
    may be asked for in any form.

    Args:
        text: the utterance.
        tool: the one it seems to be about.
    """
    text = " ".join(text.replace("’", "'").split())
    own = [verb for p in tool.parameters if p.kind == "boolean" for verb in verbs_of(p, tool)]
    words = action_words(tool, [*own, *(_MAKES if controls(tool) else ())])
    names_action = bool(words.any_form.search(text))
    moves = acts(tool)
    if _forbidden(text, words if moves else None):
        return takes_back(tool) and not (names_action or TAKES_BACK.search(text))
    if not moves:
        return not (tells_whether(tool) and _ORDERS.match(text))
    commanded = _commanded(text, words)
    acts_for_sure = names_action or controls(tool)
    if acts_for_sure:
        pleaded = any(words.command.match(part) for part in _ASKED_BEHIND.split(text)[1:])
        served = not controls(tool) and _MAY_I.match(text)
        stops = takes_back(tool) and _STOPPED.match(text)
        requested = _REQUEST.match(text) or pleaded or served or stops
        asks = _QUESTION.search(text) and not requested
        indirect = _INDIRECT_QUESTION.search(text) and not commanded
        if asks or indirect or (_STATEMENT.match(text) and not pleaded):
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
