"""Where the voice loses words and naturalness: each of its stages beside the teacher's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.evaluation.judges import Judges, Pcm, at_judges_rate
from antiphon.evaluation.scores import (
    Errors,
    difference_interval,
    mean,
    mean_interval,
    total,
    word_errors,
)
from antiphon.t2c.phonemes import boundaries, group
from antiphon.t2c.plan import SentenceState, sentences
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.unit_lm import look
from antiphon.training.corpora.voice.teacher import BEGIN, END, Teacher, Utterance
from antiphon.training.jobs.voice.pronouncer import Speller
from antiphon.training.jobs.voice.unit_lm import owners
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
ALIGNED = STAGES[:3]
"""Those that say the teacher's sounds at the teacher's times, so that latents can be compared."""


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

    def units(
        self, text: str, wanted: Sequence[str] = STAGES
    ) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Units of a text by each stage that is wanted."""
        theirs, ours = list(self.taught(text)), list(self.own(text))
        for name in wanted:
            own = name in ("our_phonemes_teacher_lengths", "whole")
            parts = [self.spoken(name, each) for each in (ours if own else theirs)]
            yield name, np.concatenate([np.zeros(0, np.int64), *parts])

    def spoken(self, stage: str, sentence: Sentence) -> NDArray[np.int64]:
        """Units of a sentence by one of `STAGES`."""
        if stage == "teacher_units":
            return self.codec.encode_latent(sentence.latent)
        if stage == "unit_lm_teacher_forced":
            return np.array(self.forced(sentence), np.int64)
        ours = stage in ("teacher_phonemes_our_lengths", "whole")
        return np.array(self.free(sentence, None if ours else sentence.lengths), np.int64)

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


@torch.inference_mode()
def latent_errors(texts: Sequence[str], stages: Stages, seed: int = 0) -> dict[str, Any]:
    """How far the stages of `ALIGNED` are from the teacher's latent. Nobody needs to listen.

    Args:
        texts: what is said.
        stages: the voice.
        seed: of the bootstrap.

    Returns:
        For every stage the mean squared error of the normalized latent without the units' noise,
        with its 95 % interval over sentences; and how long the voice makes the teacher's sounds,
        as a share of the teacher's lengths.
    """
    codec = deepcopy(stages.codec)
    codec.roughness.zero_()
    errors: dict[str, list[float]] = {name: [] for name in ALIGNED}
    frames: list[int] = []
    ours = theirs = 0
    for text in tqdm(texts, desc="latents", unit="sentence"):
        for sentence in stages.taught(text):
            wanted = codec.normalize(sentence.latent)
            frames.append(len(wanted))
            for name in ALIGNED:
                said = codec.normalize(codec.decode_latent(stages.spoken(name, sentence)))
                errors[name].append(float((said - wanted).square().mean(1).sum()))
            ours += len(stages.spoken("teacher_phonemes_our_lengths", sentence))
            theirs += sum(sentence.lengths)
    rows = np.random.default_rng(seed).integers(len(frames), size=(2000, len(frames)))
    of = np.array(frames)[rows].sum(1)
    result: dict[str, Any] = {"lengths": round(ours / max(1, theirs), 3)}
    for name in ALIGNED:
        low, high = np.quantile(np.array(errors[name])[rows].sum(1) / of, [0.025, 0.975])
        result[name] = {
            "error": round(sum(errors[name]) / sum(frames), 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
        }
    return result


def evaluate(
    texts: Sequence[str],
    stages: Stages,
    teacher: Callable[[str], Pcm],
    judges: Judges,
    wanted: Sequence[str] = STAGES,
    seed: int = 0,
) -> dict[str, Any]:
    """Word errors and naturalness of the teacher and of every stage, on the same texts.

    Args:
        texts: what is said.
        stages: the voice.
        teacher: speaks a text at the judge's rate.
        judges: who listens.
        wanted: the stages.
        seed: of the bootstrap.

    Returns:
        For every stage its `wer`, what that is `over_teacher` with the ends of the 95 % interval,
        its `mos`, what that is `mos_below_teacher` with those of its own, and its `duration` as a
        share of the teacher's.
    """
    errors: dict[str, list[Errors]] = {name: [] for name in ("teacher", *wanted)}
    natural: dict[str, list[float]] = {name: [] for name in errors}
    samples = dict.fromkeys(errors, 0)

    def judge(name: str, text: str, pcm: Pcm) -> None:
        errors[name].append(word_errors(text, judges.recognize(pcm)))
        natural[name].append(judges.naturalness(pcm))
        samples[name] += len(pcm)

    for text in tqdm(texts, desc="stages", unit="sentence"):
        judge("teacher", text, teacher(text))
        for name, units in stages.units(text, wanted):
            pcm = stages.codec.decode(units)
            judge(name, text, at_judges_rate(pcm, stages.codec.sample_rate))
    own = errors["teacher"]
    result: dict[str, Any] = {
        "sentences": len(texts),
        "words": total(own).words,
        "teacher": {
            "wer": round(total(own).percent, 3),
            "mos": round(mean(natural["teacher"]), 3),
        },
    }
    for name in wanted:
        rate = total(errors[name]).percent
        low, high = difference_interval(errors[name], own, seed)
        below = [a - b for a, b in zip(natural["teacher"], natural[name], strict=True)]
        mos_low, mos_high = mean_interval(below, seed)
        result[name] = {
            "wer": round(rate, 3),
            "over_teacher": round(rate - total(own).percent, 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "mos": round(mean(natural[name]), 3),
            "mos_below_teacher": round(mean(below), 3),
            "mos_low": round(mos_low, 3),
            "mos_high": round(mos_high, 3),
            "duration": round(samples[name] / max(1, samples["teacher"]), 3),
        }
    return result
