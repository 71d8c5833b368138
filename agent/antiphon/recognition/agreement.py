"""The text of a recording that still grows: what two hearings agree on is not taken back."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from itertools import takewhile

from antiphon.recognition.transcript import Partial


@dataclass(frozen=True)
class Growing:
    """Text so far. Values are never changed in place."""

    shown: tuple[str, ...] = ()
    """Words that were given out for good."""
    given: tuple[str, ...] = ()
    """Those of them that belong to the utterance which goes on."""
    heard: tuple[str, ...] = ()
    """What was heard of that utterance last."""

    @property
    def partial(self) -> Partial:
        """What can be shown."""
        return Partial(" ".join(self.shown), " ".join(self.heard[_place(self) :]))


def hear(growing: Growing, text: str) -> Growing:
    """The utterance was heard again: words that both hearings begin with are given out.

    The last word of a hearing is held back, since it may have been cut (local agreement; Liu et
    al., "Low-latency sequence-to-sequence speech recognition", Interspeech 2020).
    """
    words = tuple(text.split())
    same = takewhile(
        lambda pair: _bare(pair[0]) == _bare(pair[1]), zip(words, growing.heard, strict=False)
    )
    agreed = min(sum(1 for _ in same), len(words) - 1)
    new = words[len(growing.given) : max(agreed, 0)]
    return Growing((*growing.shown, *new), (*growing.given, *new), words)


def close(growing: Growing, text: str) -> Growing:
    """The utterance is over and was heard as `text`: the rest of it is given out."""
    growing = replace(growing, heard=tuple(text.split()))
    return Growing((*growing.shown, *growing.heard[_place(growing) :]))


def _place(growing: Growing) -> int:
    """How many words of the last hearing were given out already, be they others now."""
    given, heard = [[_bare(w) for w in words] for words in (growing.given, growing.heard)]
    if heard[: len(given)] == given:
        return len(given)
    blocks = difflib.SequenceMatcher(a=given, b=heard, autojunk=False).get_matching_blocks()
    after = [len(given) - (b.a + b.size) + b.b + b.size for b in blocks if b.size]
    return min(len(heard), after[-1] if after else len(given))


def _bare(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum()) or word
