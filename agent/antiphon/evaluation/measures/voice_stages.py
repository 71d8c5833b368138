"""Where words are lost between text and sound: each stage of the voice beside the teacher's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.evaluation.judges import Pcm, at_judges_rate
from antiphon.evaluation.scores import Errors, total, word_errors
from antiphon.t2c.phonemes import boundaries, group
from antiphon.t2c.plan import SentenceState, sentences
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.unit_lm import look
from antiphon.training.corpora.teacher import BEGIN, END, Teacher, Utterance
from antiphon.training.jobs.pronouncer import Speller
from antiphon.training.jobs.unit_lm import owners
from antiphon_codecs.unit.unit_codec import UnitCodec

STAGES = (
    "teacher_units",
    "unit_lm_teacher_forced",
    "teacher_phonemes_and_lengths",
    "teacher_phonemes_our_lengths",
    "our_phonemes_teacher_lengths",
    "whole",
)
"""What is taken from the teacher becomes less from one to the next; after it, all is ours."""


@dataclass(frozen=True)
class Sentence:
    """Sounds of one sentence, how long the teacher makes them, and what it says then."""

    sounds: list[int]
    lengths: list[int]
    """Units, one a frame."""
    vectors: torch.Tensor
    """[S, H] vectors of their tokens."""
    latent: torch.Tensor
    """[T, C] the teacher's."""


class Stages:
    """A voice whose stages can be replaced by the teacher's.

    Args:
        t2c: text to units.
        codec: units to sound.
        teacher: whose phonemes, lengths and latents take their place.
        speller: text to the pronouncer's inputs.
        seed: of the lengths' variation.
    """

    def __init__(
        self, t2c: TextToCodec, codec: UnitCodec, teacher: Teacher, speller: Speller, seed: int = 0
    ) -> None:
        self.t2c, self.codec, self.teacher, self.speller = t2c, codec, teacher, speller
        self.chance = torch.Generator().manual_seed(seed)
        self.symbols = {id_: symbol for symbol, id_ in teacher.ids.items()}

    def units(self, text: str) -> dict[str, NDArray[np.int64]]:
        """Units of a text by every stage of `STAGES`."""
        theirs, ours = list(self.taught(text)), list(self.own(text))
        found: dict[str, list[Iterable[int]]] = {
            "teacher_units": [self.codec.encode_latent(s.latent) for s in theirs],
            "unit_lm_teacher_forced": [self.forced(s) for s in theirs],
            "teacher_phonemes_and_lengths": [self.free(s, s.lengths) for s in theirs],
            "teacher_phonemes_our_lengths": [self.free(s, None) for s in theirs],
            "our_phonemes_teacher_lengths": [self.free(s, s.lengths) for s in ours],
            "whole": [self.free(s, None) for s in ours],
        }
        return {
            name: np.concatenate([np.fromiter(part, np.int64) for part in parts])
            for name, parts in found.items()
        }

    def taught(self, text: str) -> Iterator[Sentence]:
        """The sentences of a text as the teacher pronounces them."""
        for phonemes in self.teacher.phonemes(text):
            symbols = [self.symbols[p] for p in phonemes]
            said = self.teacher.speak(text, phonemes)
            tokens = torch.from_numpy(owners(self.t2c, self.speller, text, group(symbols)))
            vectors = unit_scale(self.t2c.embeddings[tokens.clamp_min(0)].float())
            yield self._sentence(said, symbols, vectors * (tokens >= 0)[:, None])

    def own(self, text: str) -> Iterator[Sentence]:
        """The same as the voice pronounces them, with the teacher's lengths of those sounds."""
        form, vectors = self.speller.spelled(text)
        names = self.t2c.inventory.sounds
        for part, _ in sentences(form):
            sounds, characters, _ = self.t2c.pronounce(part, vectors, SentenceState(), text)
            symbols = [symbol for sound in sounds for symbol in names[sound]]
            symbols = [self.symbols[BEGIN], *symbols, self.symbols[END]]
            phonemes = [self.teacher.ids[symbol] for symbol in symbols]
            owner = [part.tokens[c] for c in characters]
            own = vectors[torch.tensor([owner[0], *owner, owner[-1]])] if owner else vectors[:0]
            if owner:
                yield self._sentence(self.teacher.speak(text, phonemes), symbols, own)

    def _sentence(self, said: Utterance, symbols: Sequence[str], vectors: torch.Tensor) -> Sentence:
        starts = boundaries(symbols)
        lengths = np.add.reduceat(said.durations.astype(np.int64), starts)
        sounds = self.t2c.inventory.ids(group(symbols))
        latent = torch.from_numpy(said.latent.astype(np.float32))
        return Sentence(sounds, lengths.tolist(), vectors, latent)

    @torch.inference_mode()
    def free(self, sentence: Sentence, lengths: list[int] | None) -> list[int]:
        """The unit LM's own units, for given lengths or the voice's own."""
        model = self.t2c
        condition, _, _ = model.course(
            sentence.sounds, sentence.vectors, model.start(), generator=self.chance, given=lengths
        )
        words = [w for w, _ in model.lm.speak(condition, model.word_lengths, model.lm.start())]
        return list(model.language.decode(np.array(words)))

    @torch.inference_mode()
    def forced(self, sentence: Sentence) -> list[int]:
        """The unit words that are likeliest after the teacher's own, of the same lengths."""
        model = self.t2c
        words = model.language.encode(self.codec.encode_latent(sentence.latent))
        condition, _, _ = model.course(
            sentence.sounds, sentence.vectors, model.start(), given=sentence.lengths
        )
        spans = model.word_lengths[torch.from_numpy(np.asarray(words, np.int64))]
        at = (spans.cumsum(0) - spans).clamp_max(len(condition) - 1)[None]
        seen = look(condition[None], at, torch.full_like(at, len(condition) - 1))
        previous = torch.tensor([[model.lm.start_id, *words[:-1]]])
        logits = model.lm(previous, seen)[0]
        logits = logits.masked_fill(model.word_lengths != spans[:, None], -torch.inf)
        return list(model.language.decode(logits.argmax(-1).numpy()))


def evaluate(
    texts: Sequence[str],
    stages: Stages,
    teacher: Callable[[str], Pcm],
    recognize: Callable[[Pcm], str],
    wanted: Sequence[str] = STAGES,
) -> dict[str, Any]:
    """Word error rates of the teacher and of every stage, on the same texts.

    Args:
        texts: what is said.
        stages: the voice.
        teacher: speaks a text at the judge's rate.
        recognize: the judge.
        wanted: the stages.
    """
    errors: dict[str, list[Errors]] = {"teacher": [], **{name: [] for name in wanted}}
    for text in tqdm(texts, desc="stages", unit="sentence"):
        errors["teacher"].append(word_errors(text, recognize(teacher(text))))
        spoken = stages.units(text)
        for name in wanted:
            pcm = at_judges_rate(stages.codec.decode(spoken[name]), stages.codec.sample_rate)
            errors[name].append(word_errors(text, recognize(pcm)))
    rates = {name: round(total(found).percent, 3) for name, found in errors.items()}
    return {"sentences": len(texts), "wer": rates}
