"""Voices: one protocol, the EchoX voice behind it, and the way from a name to a voice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import Vocabulary
from antiphon.llm.vocabulary import load_vocabulary
from antiphon.messages import Segment, Speech, Word
from antiphon.registry import Registry
from antiphon.settings import Source
from antiphon.t2c.plan import Plan
from antiphon.t2c.pronunciation.dictionary import Dictionary
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.t2c.pronunciation.pronounced_words import PronouncedWord, pronounced_words
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.voice_join import VoiceJoin, load_join
from antiphon_codecs import codec as codecs
from antiphon_codecs.codec import Codec
from antiphon_codecs.unit_language.unit_language import UnitLanguage

FIRST_PIECE, MAX_PIECE = 18, 86
"""Units of the first piece of sound (0.2 s) and of the longest (1 s).

Each piece may be twice as long as the one before it: it is made while that one sounds.
"""


class Voice(Protocol):
    """Speaks segments of tokens as they come. Holds weights only."""

    @property
    def sample_rate(self) -> int:
        """Samples a second of what it says."""

    @property
    def samples_per_unit(self) -> int:
        """Samples of one codec unit; 0 if it has no units."""

    def speak(
        self, segments: Iterator[Segment], *, source: Source = "hidden", seed: int = 0
    ) -> Generator[Speech, None, None]:
        """Speak segments, each before the next is asked for.

        Args:
            segments: from a trigger.
            source: what drives the voice: hidden states, or the tokens alone.
            seed: of everything left to chance.
        """


Loader = Callable[[str, Vocabulary], Voice]
"""Loads the voice of a name or folder for a language model's vocabulary."""

VOICES: Registry[Loader] = Registry(
    "voice",
    "antiphon.voices",
    lambda: dict.fromkeys(weights.trained("voice"), "antiphon.t2c.voice:load"),
)
"""Voices by name. Folders need no entry."""


def from_pretrained(name: str, vocabulary: Vocabulary) -> Voice:
    """A voice.

    Args:
        name: a registered name, or a folder.
        vocabulary: of the language model whose tokens it speaks.

    Raises:
        UserError: There is no such voice.
    """
    return (VOICES.get(name) if name in VOICES else load)(name, vocabulary)


@dataclass(frozen=True)
class VoiceConfig:
    """What the `config.json` beside a voice says."""

    language_models: dict[str, str]
    """Language models it was trained for, each with the file of its generator; codec and unit
    language are the same for all."""
    codec: str = "unit"
    """The kind of its codec: a name of `antiphon_codecs.codec.CODECS`."""
    speech_encoder: str | None = None
    """Recognizer whose encoder's states the codec encodes speech from; None: it only decodes."""
    language: str = "en-US"
    """What it speaks (BCP 47)."""
    lexicon: str | None = None
    """The file of words that its pronouncer would say wrong; None: it has none."""
    length_scale: float = 1.0
    """How long its sounds last, over how long the teacher's do."""


def trained_for(name: str) -> tuple[str, ...]:
    """The language models that a voice was trained for, its own vocabulary's first.

    Args:
        name: of the voice, or its folder; one that another distribution adds names none.
    """
    if name in VOICES and VOICES.get(name) is not load:
        return ()
    return tuple(weights.read_config(weights.assets(name), VoiceConfig).language_models)


class EchoVoice:
    """The EchoX voice: text-to-codec generator and codec.

    Args:
        t2c: tokens with their hidden states to units.
        codec: units to sound.
        join: makes segments of another language model its own; None: it was trained for the one
            whose segments it is given.
        liveliness: how much the rhythm varies.
    """

    def __init__(
        self,
        t2c: TextToCodec,
        codec: Codec[Any],
        *,
        join: VoiceJoin | None = None,
        liveliness: float = 0.3,
    ) -> None:
        self.t2c, self.codec, self.join, self.liveliness = t2c, codec, join, liveliness

    @property
    def sample_rate(self) -> int:
        """Samples a second of what it says."""
        return self.codec.sample_rate

    @property
    def samples_per_unit(self) -> int:
        """Samples of one unit."""
        return self.codec.samples_per_unit

    @property
    def reads_states(self) -> bool:
        """Whether hidden states change what it says; a join without an adapter knows text alone."""
        return self.join is None or self.join.adapter is not None

    def with_lexicon(self, path: Path) -> EchoVoice:
        """The same voice with a user's own words (`own_lexicon.OwnLexicon.read`)."""
        t2c = copy(self.t2c)
        t2c.dictionary = t2c.dictionary.with_own(path, t2c.read_spelling)
        return EchoVoice(t2c, self.codec, join=self.join, liveliness=self.liveliness)

    def pronounced(self, segments: Iterator[Segment]) -> Iterator[PronouncedWord]:
        """How the words of segments are said, without speaking them."""
        return pronounced_words(self.t2c, map(self.join, segments) if self.join else segments)

    def speak(
        self, segments: Iterator[Segment], *, source: Source = "hidden", seed: int = 0
    ) -> Generator[Speech, None, None]:
        """Speak segments; see `Voice`."""
        generator = torch.Generator().manual_seed(seed)
        sentence, lm, stream = self.t2c.start(), self.t2c.lm.start(), self.codec.start()
        hop, rate = self.codec.samples_per_unit, self.codec.sample_rate
        planned = handed = 0
        enough = FIRST_PIECE + self.codec.lookahead
        if not self.reads_states:
            source = "text"
        for segment in map(self.join, segments) if self.join else segments:
            plan, sentence = self.t2c.plan(
                segment,
                sentence,
                source=source,
                liveliness=self.liveliness,
                generator=generator,
            )
            words = placed(plan, planned, hop)
            waiting: list[int] = []
            spoken: list[int] = []
            first = True
            pieces = self.t2c.utter(plan, lm)
            done = False
            while not done:
                try:
                    units, lm = next(pieces)
                    waiting += units.tolist()
                except StopIteration:
                    done = True
                if not done and len(waiting) < enough:
                    continue
                final = done and segment.final
                pcm, stream = self.codec.step(np.array(waiting, np.int64), stream, final)
                spoken, waiting = spoken + waiting, []
                if len(pcm) or done:
                    yield Speech(
                        pcm,
                        rate,
                        handed,
                        segment.text,
                        units=tuple(spoken) if done else (),
                        words=words if first else (),
                        final=final,
                    )
                    first = False
                    enough = min(MAX_PIECE, 2 * max(FIRST_PIECE, len(pcm) // hop))
                handed += len(pcm)
            planned += plan.units


def placed(plan: Plan, start: int, hop: int) -> tuple[Word, ...]:
    """Words of a plan with samples in place of units, `start` units into the reply."""
    return tuple(Word(w.text, (start + w.start) * hop, (start + w.end) * hop) for w in plan.words)


def load(name: str, vocabulary: Vocabulary) -> EchoVoice:
    """The EchoX voice of an asset's name or a folder.

    Raises:
        UserError: It is missing or damaged.
    """
    folder = weights.assets(name)
    config = weights.read_config(folder, VoiceConfig)
    codec = codecs.from_pretrained(folder)
    if vocabulary.name in config.language_models:
        language = UnitLanguage.load(folder / "unit_language.safetensors")
        generator = folder / config.language_models[vocabulary.name]
        t2c = TextToCodec.load(generator, language, vocabulary.embeddings, light=True)
        return EchoVoice(configured(t2c, folder, config), codec)
    own, t2c = load_generator(folder, light=True)
    t2c.denoiser = torch.nn.Identity()  # type: ignore[assignment]  # the join has its own
    return EchoVoice(t2c, codec, join=load_join(name, own, vocabulary))


def load_generator(folder: Path, *, light: bool = False) -> tuple[Vocabulary, TextToCodec]:
    """The generator of a voice, and the vocabulary it was trained with.

    Args:
        folder: of the voice.
        light: speak with int8 weights in the unit LM, which cannot be trained through.
    """
    config = weights.read_config(folder, VoiceConfig)
    language = UnitLanguage.load(folder / "unit_language.safetensors")
    trained_for, file = next(iter(config.language_models.items()))
    own = load_vocabulary(trained_for)
    t2c = TextToCodec.load(folder / file, language, own.embeddings, light=light)
    return own, configured(t2c, folder, config)


def configured(t2c: TextToCodec, folder: Path, config: VoiceConfig) -> TextToCodec:
    """A generator with what belongs to its voice: the pace, and the lexicon in the folder."""
    t2c.length_scale = config.length_scale
    if config.lexicon is not None:
        lexicon = Lexicon.load(folder / config.lexicon, t2c.inventory)
        t2c.dictionary = Dictionary(t2c.inventory, lexicon)
    return t2c


def with_lexicon(voice: Voice, path: Path) -> Voice:
    """A voice with a user's own words.

    Raises:
        UserError: It takes none, or the file cannot be read.
    """
    if not isinstance(voice, EchoVoice):
        raise UserError("This voice takes no lexicon: leave --lexicon away or choose another one.")
    return voice.with_lexicon(path)
