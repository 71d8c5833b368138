"""What the user told earlier, found again for a question.

A small language model overlooks in a long prompt what was told many turns ago, and nothing can see
what left the prompt. So the statements that are most like a question are put right behind it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence

import torch

from antiphon import weights
from antiphon.llm import sentence_encoder
from antiphon.messages import Turn
from antiphon.text.rewriting import listed

log = logging.getLogger(__name__)
Likeness = Callable[[str, str], float]
"""How alike a question and a statement are: 1 if they are the same, about 0 if unrelated."""

MOST = 2
"""Statements that are found at most."""
WORDS = 60
"""Words that they have at most together."""
OF_THE_USER, OF_OTHERS = 0.22, 0.4
"""How like a question a statement must be, if the question is about the user, and if not."""
MOST_SEARCHED = 400
"""Statements that are looked through, the newest."""
BEHIND = 0.2
"""How much less like it than the best one it may be."""

_ASKS = re.compile(
    r"\?|\b(?:what|who|whose|where|when|which|how|why|tell me|remind me|do you)\b", re.I
)
_USER = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our|ours)\b", re.I)
_ASKED_FOR = re.compile(
    r"(?:(?:now|okay|ok|well|then|and|so|please|come on)\b,? )*(?:tell|give|guess|explain|show|"
    r"send|say|introduce|describe|write|read|play|sing|help|make|let's|let|count|spell|translate|name|"
    r"list|recommend|suggest|take|come|bring|order|call|open|close|turn|stop|thanks|thank)\b",
    re.I,
)
"""Matches a wish, which tells nothing."""
_TELLS = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|he|she|his|her|they|their|it|its|there|this|that|\w+'\w+|is|are|"
    r"was|were|has|have|had|got|lives?|works?|likes?)\b",
    re.I,
)
_CORRECTS = re.compile(
    r"(?:oh|ah|well|sorry|no|wait|actually|i mean|i meant|rather|hang on)\b", re.I
)
"""Matches a statement that corrects the one before."""
_NAME_ASKED = re.compile(r"\bmy (?:\w+ )?name\b|\bcall me\b|\bwho i am\b|\bwho am i\b(?! \w)", re.I)
_NAME_TOLD = re.compile(r"\b(?:[Mm]y name(?:'s| is)|I'm|I am|[Cc]all me|[Tt]his is) [A-Z]\w+")
_REFERS_BACK = re.compile(
    r"^(?:and|or|but)\b|\b(?:he|she|him|her|his|hers|they|them|their|it|its|there|that|those)\b",
    re.I,
)
"""Matches a question that only the line before makes clear."""
_FUNCTION_WORDS = frozenset(
    listed(
        "a an the and or but so i me my mine you your he she it its we our us they them their this "
        "that these those there here is am are was were be been being do does did have has had can "
        "could will would shall should may might must what who whose where when which how why not "
        "no yes of in on at to from for with by about as if than then again now please i'm i've "
        "i'd i'll it's that's what's who's where's he's she's we're they're don't"
    )
)


class Recall:
    """Finds what was told. One object serves any number of conversations and threads.

    Args:
        likeness: of a question and a statement; None: that of a sentence encoder, or of the words
            they share if its weights have not been fetched.
    """

    def __init__(self, likeness: Likeness | None = None) -> None:
        self._likeness, self._loading = likeness, threading.Lock()

    def prepare(self, history: Sequence[Turn]) -> None:
        """Read what was told ahead of a question."""
        for statement in statements(history):
            self.likeness(statement, statement)

    def find(self, question: str, history: Sequence[Turn]) -> tuple[str, ...]:
        """What the user told that a question may be about, in the order it was told.

        Args:
            question: what is asked.
            history: the turns before, those that are not shown included.
        """
        asked = [i for i, turn in enumerate(history) if turn.role == "user"]
        of_the_user = _USER.search(question)
        # Otherwise the line just before, of which the question is one more, would always be found.
        told = statements(history if of_the_user else history[: asked[-1]]) if asked else []
        if not told or not _ASKS.search(question):
            return ()
        alike = [self.likeness(question, statement) for statement in told]
        if _REFERS_BACK.search(question) and len(list(sentences(question))) == 1:
            both = f"{history[asked[-1]].text} {question}"
            alike = [
                max(alone, self.likeness(both, statement))
                for alone, statement in zip(alike, told, strict=True)
            ]
        if _NAME_ASKED.search(question):
            named = (_NAME_TOLD.search(statement.replace("’", "'")) for statement in told)
            alike = [1.0 if name else alone for name, alone in zip(named, alike, strict=True)]
        least = OF_THE_USER if of_the_user else OF_OTHERS
        least = max(least, max(alike) - BEHIND)
        best = sorted((i for i in range(len(told)) if alike[i] >= least), key=lambda i: -alike[i])
        kept = set[int]()
        for i in best[:MOST]:
            corrected = " ".join(told[i + 1 : i + 2])
            more = {i, i + 1} if _CORRECTS.match(corrected) else {i}
            if sum(len(told[k].split()) for k in kept | more) <= WORDS:
                kept |= more
        return tuple(told[i] for i in sorted(kept))

    @property
    def likeness(self) -> Likeness:
        """How alike a question and a statement are."""
        with self._loading:
            if self._likeness is None:
                self._likeness = loaded()
        return self._likeness


def statements(history: Sequence[Turn]) -> list[str]:
    """The sentences of the user that tell something, each once, the oldest first."""
    told = {
        said.lower(): said
        for turn in history
        if turn.role == "user"
        for said in sentences(turn.text)
        if tells(said)
    }
    newest = dict(list(told.items())[-MOST_SEARCHED:])
    return [said for low, said in newest.items() if not any(o in low and o != low for o in newest)]


def tells(sentence: str) -> bool:
    """Whether a sentence is a statement, or the rest of one that corrects it."""
    if sentence.endswith("?") or _ASKED_FOR.match(sentence):
        return False
    corrects = _CORRECTS.match(sentence) is not None and len(sentence.split()) > 2
    return corrects or _TELLS.search(sentence) is not None


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text."""
    return filter(None, re.split(r"(?<=[.!?])\s+", text.strip()))


def loaded() -> Likeness:
    """The sentence encoder's likeness, if its weights are there."""
    entry = weights.ENTRIES[sentence_encoder.NAME]
    if not weights.is_ready(entry):
        log.info("What was told is found by its words: %s has not been fetched.", entry.name)
        return shared_words
    vector = sentence_encoder.sentence_vectors(weights.path(entry.name))
    return lambda a, b: float(torch.dot(vector(a), vector(b)))


def shared_words(a: str, b: str) -> float:
    """Cosine of the words of two texts that say something, by their beginnings."""
    one, other = content(a), content(b)
    return len(one & other) / max(1.0, (len(one) * len(other)) ** 0.5)


def content(text: str) -> set[str]:
    """The first five letters of the words that say something."""
    return {w[:5] for w in re.findall(r"[\w']+", text.lower()) if w not in _FUNCTION_WORDS}
