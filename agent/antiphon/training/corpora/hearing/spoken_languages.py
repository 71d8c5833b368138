"""The corpus of Qwen3-ASR: speech in several languages, and sounds without speech.

A shard depends on the seed and its number alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing import recognition
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.hearing.english_texts import EnglishTexts, dictionary_texts
from antiphon.training.corpora.hearing.heard_speech import (
    Recording,
    has_number,
    recordings,
    written,
)
from antiphon.training.corpora.hearing.synthetic_voices import (
    TIMBRES,
    Voice,
    training_voices,
    voice,
)
from antiphon.training.corpora.voice.word_lists import package

Sound = NDArray[np.float32]

SHARD = 64
"""Clips a shard."""
LONGEST = 15 * SAMPLE_RATE
"""Samples of a clip at most."""
BOOK = Path("/usr/share/doc/debian-handbook/html")
"""Where Debian's package debian-handbook keeps the same book in many languages."""
LOCALES = {"de": "de-DE", "es": "es-ES", "fr": "fr-FR"}
"""Languages besides English, and what the book calls them."""
ORIGINAL = "en-US"
"""What the book calls the language that it was written in."""
USUAL = 2e-6
"""Share of all words of a language that a usual one has at least."""
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_])")
SPEAKABLE = re.compile(r"[^\W\d_][\w ,.;:!?'’-]{15,110}")
PEOPLE, ENGLISH, FOREIGN = 0.42, 0.44, 0.11
"""Shares of people's clips, synthetic English and the other languages; the rest is no speech."""
UNTOLD = 4
"""How often a recording without a text is taken beside others: each is another person's."""


@dataclass(frozen=True)
class Clip:
    """A clip."""

    pcm: torch.Tensor
    """[N] samples at 16 kHz, int16."""
    text: str
    language: str
    """Code; empty: nobody speaks."""


class SpokenLanguages:
    """Draws clips.

    Args:
        data: the data folder (docs/data.md).
        label: writes what is said in a recording without a text, or nothing if it is unsure;
            None: such recordings are left out.
        languages: codes besides English.
    """

    def __init__(
        self,
        data: Path,
        label: Callable[[Sound], str] | None = None,
        languages: Sequence[str] = tuple(LOCALES),
    ) -> None:
        found = recordings(data)
        self.people = [clip for clip in found if clip.text]
        if label:
            self.people += [clip for clip in found if not clip.text] * UNTOLD
            self._labelled = lru_cache(maxsize=None)(lambda path: _labelled(path, label))
        self.augment, self.english = Augment(data), training_voices(None)
        self.said = EnglishTexts(
            data, sorted(_sentences(ORIGINAL)), usual_words("en"), dictionary_texts()
        )
        self.texts = {code: sentences(code) for code in languages}
        self.languages = tuple(languages)

    def clips(self, shard: int, seed: int) -> Iterator[tuple[Sound, str, str]]:
        """Sound [N] at 16 kHz, text and language of the clips of a shard."""
        rng = np.random.default_rng([seed, shard])
        order = np.random.default_rng(seed).permutation(len(self.people))
        for i in range(SHARD):
            kind = rng.random()
            if kind < PEOPLE:
                clip = self.people[order[(shard * SHARD + i) % len(order)]]
                found = self._recorded(clip, rng)
                if not found:
                    continue
                (pcm, text), code = found, "en"
            elif kind < PEOPLE + ENGLISH:
                text, code = self.said.draw(rng), "en"
                pcm = self.english[int(rng.integers(len(self.english)))].speak(text)
            elif kind < PEOPLE + ENGLISH + FOREIGN:
                code = self.languages[int(rng.integers(len(self.languages)))]
                text = self.texts[code][int(rng.integers(len(self.texts[code])))]
                pcm = speaker(code, TIMBRES[int(rng.integers(len(TIMBRES)))]).speak(text)
            else:
                pcm, text, code = self._noise(rng), "", ""
            if rng.random() < 0.6:
                pcm = self.augment(pcm, rng)
            if len(pcm) <= LONGEST:
                yield pcm, text, code

    def _recorded(self, clip: Recording, rng: np.random.Generator) -> tuple[Sound, str] | None:
        """A recording; or of one without a text a part that was heard surely, if there is one."""
        if clip.text:
            return audio_file.read(clip.path, SAMPLE_RATE), written("", clip.text)
        found = self._labelled(clip.path)
        return found[int(rng.integers(len(found)))] if found else None

    def _noise(self, rng: np.random.Generator) -> Sound:
        """Half a second to eight of a noise, or of hardly anything."""
        length = int(rng.uniform(0.5, 8) * SAMPLE_RATE)
        if self.augment.noises and rng.random() < 0.8:
            noise = self.augment.noises[int(rng.integers(len(self.augment.noises)))]
            start = int(rng.integers(len(noise)))
            found = np.take(noise, np.arange(start, start + length), mode="wrap")
        else:
            found = rng.normal(0, 10 ** rng.uniform(-4, -2), length).astype(np.float32)
        return np.asarray(found, np.float32)


def _labelled(path: Path, label: Callable[[Sound], str]) -> list[tuple[Sound, str]]:
    """Parts of a recording whose text is sure and has no numbers."""
    found = recognition.parts(audio_file.read(path, SAMPLE_RATE))
    told = [(part, label(part).strip()) for part in found]
    return [(part, text) for part, text in told if text and not has_number(text)]


def sentences(code: str) -> list[str]:
    """Sentences of a language, from Debian's handbook, without those that are left in English.

    Raises:
        UserError: It is not installed.
    """
    return sorted(_sentences(code) - _sentences(ORIGINAL))


def _sentences(code: str) -> set[str]:
    folder = BOOK / LOCALES.get(code, code)
    if not folder.is_dir():
        raise UserError(
            f"There are no texts in '{code}': install Debian's package debian-handbook."
        )
    found = set[str]()
    for page in sorted(folder.glob("*.html")):
        for part in re.findall(r'<div class="para">(.*?)</div>', page.read_text("utf-8"), re.S):
            plain = " ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split())
            found.update(s for s in SENTENCE_END.split(plain) if SPEAKABLE.fullmatch(s))
    return {text for text in found if not has_number(text)}


def usual_words(code: str) -> list[tuple[str, float]]:
    """Words of a language with their shares of all words (PyPI wordfreq, CC BY-SA 4.0).

    Raises:
        UserError: wordfreq is not installed.
    """
    package("wordfreq")
    from wordfreq import get_frequency_dict

    return [row for row in get_frequency_dict(code, "small").items() if row[1] >= USUAL]


@lru_cache(maxsize=64)
def speaker(code: str, timbre: str) -> Voice:
    """One of espeak's voices: all languages have the same timbres, so none gives one away."""
    return voice(f"espeak:{'fr-fr' if code == 'fr' else code}{timbre}")


def build(
    corpus: SpokenLanguages, out: Path, *, shards: int, minutes: float, seed: int = 0
) -> bool:
    """Write the shards that `out` does not have yet; True if all are there.

    Args:
        corpus: of clips.
        out: folder of the shards.
        shards: how many there are to be.
        minutes: time to take at most.
        seed: of everything drawn.
    """

    def shard(number: int) -> list[dict[str, Any]]:
        return [vars(kept(*clip)) for clip in corpus.clips(number, seed)]

    return numbered_files.write(out, shards, shard, minutes=minutes, kind="shard", digits=5)


def kept(pcm: Sound, text: str, code: str) -> Clip:
    """A clip of a sound [N] at 16 kHz; what is louder than full scale is turned down."""
    full = 32767 / max(1.0, float(np.abs(pcm).max(initial=0)))
    return Clip(torch.from_numpy((pcm * full).astype(np.int16)), text, code)


def read(folder: Path) -> list[Clip]:
    """All clips of a folder of shards, in order."""
    return [
        Clip(**row)
        for path in numbered_files.files(folder)
        for row in torch.load(path, weights_only=True)
    ]
