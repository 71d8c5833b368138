"""How a reply sounds, whatever it says: its length, marks, repetition, language and beginning.

Pure functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from antiphon.evaluation.chat.wording import plain, sentences, words
from antiphon.text import spoken
from antiphon.text.rewriting import listed

WORDS_A_SECOND = 2.7
"""How fast the agent speaks."""
REPEATED_WORDS, TIMES = 4, 3
"""So many words in a row may not be said so many times."""


def seconds(reply: str) -> float:
    """How long a reply sounds, its numbers and signs read aloud."""
    return len(spoken(reply).text.split()) / WORDS_A_SECOND


_MARKUP = re.compile(
    r"""
    ^[ \t]*[-*+•–][ \t]+\S                        # an item of a list
    |(?:^|\s)1[.)][ \t]+\S.*\s2[.)][ \t]          # numbered ones
    |^[ \t]*\#{1,6}[ ]|^[ \t]*>[ ]                # a heading, a quotation
    |`|~~~|[*|]|(?<!\w)_{1,2}\w[^_]*_{1,2}(?!\w)  # code, a table, emphasis
    |\]\(|https?:|\bwww\.|\b\w+\.(?:com|org|net)\b
    |</?[a-z]+[^<>]*>|&(?:amp|lt|gt|nbsp|quot);|\\[(\[a-z]|\$\$
    |[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B1B\u2B1C\u2B50\uFE0F]
    |(?<!\w)[:;]-?[)(DP](?!\w)
    """,
    re.M | re.X | re.I | re.S,
)


def free_of_markup(reply: str) -> bool:
    """Whether all of a reply can be said: no list, code, heading, link, emoji, emphasis."""
    return not _MARKUP.search(reply)


def free_of_repetition(reply: str, *before: str) -> bool:
    """Whether no sentence comes twice, no four words three times, nor all of what was said before.

    Sentences of one or two words may be said twice, and a reply of three words again.

    Args:
        reply: what was answered.
        before: what was said last, by the agent and the user.
    """
    said = [tuple(words(sentence)) for sentence in sentences(reply)]
    counts = Counter(sentence for sentence in said if len(sentence) > 2)
    every = words(reply)
    runs = Counter(zip(*(every[i:] for i in range(REPEATED_WORDS)), strict=False))
    if max(counts.values(), default=0) > 1 or max(runs.values(), default=0) >= TIMES:
        return False
    return len(reply.split()) <= 3 or every not in map(words, before)


_ENGLISH = frozenset(
    listed(
        "the a an of to in is are was were be it its it's i i'm i'll you your we he she they my "
        "this that's what's there and or but not no yes do does did can will would have has for "
        "with on at by as from what how when where who why which that if so because about hello hi "
        "thanks please sorry good you're let's me him her them our"
    )
)
_FOREIGN = frozenset(
    listed(
        "el los las una unos es está estoy eres hola gracias que qué por para con pero muy bien sí "
        "yo der das und ist nicht ich du sie wir ein eine mit für auf den dem wie danke guten le "
        "les des est je vous nous une pas pour avec dans bonjour merci très suis c'est et il elle "
        "ciao sono che non di della grazie olá obrigado não você"
    )
)


def in_english(reply: str) -> bool:
    """Whether every sentence is English; a foreign word or name in it is none the worse."""
    if any("LATIN" not in unicodedata.name(c, "") for c in reply if c.isalpha()):
        return False
    long = [words(part) for part in sentences(reply) if len(words(part)) > 2]
    return all(map(_english, long)) and (_english(words(reply)) or len(words(reply)) == 1)


def _english(said: list[str]) -> bool:
    foreign = sum(word in _FOREIGN for word in said)
    return foreign == 0 or sum(word in _ENGLISH for word in said) > foreign


_FILLER = re.compile(
    r"(?:(?:oh|ah|well|wow|hm+),? )?(?:"
    r"(?:(?:that's|that is|what) an? )?(?:\w+ )?"
    r"(?:great|good|excellent|interesting|fantastic|wonderful|nice|tricky|tough|fun) question|"
    r"(?:that's|that is) an? (?:\w+ )?(?:tricky|tough|hard|good|great) one|"
    r"thanks? (?:you )?for (?:asking|your question)|(?:i'm )?glad you asked|"
    r"(?:i'm|i am|i'd|i would|i'll|i will) (?:\w+ ){0,2}(?:happy|glad|delighted|pleased) to "
    r"(?:help|assist|answer|tell|explain|share)|"
    r"as an? (?:\w+ ){0,3}(?:ai|assistant|model)\b|you(?:'ve| have)? asked|you(?:'re| are) asking|"
    r"you want to know|you(?:'d| would) like to know|the question is|your question|"
    r"to answer (?:your|that|this)|let me (?:think|see)|let's see|"
    r"here(?:'s| is) (?:the|an|your) answer)"
)
_ASSENT = re.compile(r"(?:sure|certainly|of course|absolutely|definitely)\b")
_OPEN = re.compile(r"(?:\w+[,.!] |and |so |but )*(?:what|who|where|when|why|how|which)\b")


def answers_first(reply: str, asked: str) -> bool:
    """Whether a reply begins with its answer: no filler, no "sure" to a what, no question echoed.

    Args:
        reply: what was answered.
        asked: what the user said.
    """
    told, begins, question = sentences(reply), plain(reply), plain(asked)
    opens = _OPEN.match(question) and " or " not in question
    if not told or _FILLER.match(begins) or (opens and _ASSENT.match(begins)):
        return False
    first, known = ({*words(text)} - _ENGLISH for text in (told[0], question))
    if told[0].endswith("?"):
        return not (first and first <= known)
    return not (opens and first and first == known)
