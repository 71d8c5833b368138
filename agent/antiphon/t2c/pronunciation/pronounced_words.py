"""Every word of a text with its sounds and where they come from, without speaking it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from antiphon.messages import Segment
from antiphon.t2c.pronunciation.dictionary import PRONOUNCER

if TYPE_CHECKING:
    from antiphon.t2c.text_to_codec import TextToCodec

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


@dataclass(frozen=True)
class PronouncedWord:
    """A word of a text, and how it is said."""

    text: str
    """As it is read aloud: of `H2O`, `H`, `two` and `O`."""
    phonemes: str
    """Symbols of the voice's inventory."""
    origin: str
    """One of `dictionary.OWN`, `CONTEXT`, `LEXICON` and `PRONOUNCER`."""


@torch.inference_mode()
def pronounced_words(t2c: TextToCodec, segments: Iterable[Segment]) -> Iterator[PronouncedWord]:
    """How the words of segments are said.

    Args:
        t2c: whose dictionary and pronouncer.
        segments: from a trigger.
    """
    from antiphon.t2c.plan import sentences

    names = t2c.inventory.sounds
    state = t2c.start()
    for segment in segments:
        chosen = t2c.token_vectors(segment, "text")
        for part, ends in sentences(state.continued(segment)):
            sounds, characters, known = t2c.pronounce(part, chosen, state, segment.text)
            said = list(zip(sounds, characters, strict=True))
            done = 0
            for match in _WORD.finditer(part.text):
                start, end = match.span()
                own = [each for each in known if each.start < end and start < each.end]
                end = max([end, *(each.end for each in own)])  # S Q L may be one word of a user's
                if start >= done:
                    phonemes = "".join(names[sound] for sound, at in said if start <= at < end)
                    origin = own[0].origin if own else PRONOUNCER
                    yield PronouncedWord(part.text[start:end], phonemes.strip(), origin)
                    done = end
            state = t2c.start() if ends else state.after(part, chosen)
