"""Word errors in held-out clips while Drax is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.checkpoint import DraxModel
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.recognizer import averaged, canvas_for, paired, reader
from antiphon.recognition.drax.sampler import sample
from antiphon.recognition.drax.vocabulary import SubVocabulary, plain
from antiphon.training.corpora.hearing.recognition import Clip


@dataclass(frozen=True)
class Counted:
    """Errors in a held-out clip."""

    words: int
    wrong: dict[int, int]
    """By evaluations of the decoder; 0: the middle alone."""
    exact: bool
    """Whether the middle counts as many tokens as there are."""


def counts(
    model: DraxModel,
    clips: Sequence[Clip],
    vocabulary: SubVocabulary,
    steps: Sequence[int],
    path: MixturePath | None = None,
) -> list[Counted]:
    """Word errors of each clip, by evaluations of the decoder, from the source of a path."""
    found = []
    for clip in clips:
        spoken = plain(clip.text).split()
        pairs = paired(clip.frames.float())[None]
        guess = model.middle(pairs)
        exact = int(guess.count.round()) == len(vocabulary.encode(clip.text))
        canvas = canvas_for(float(guess.count), model.decoder.config.length)
        memory = model.decoder.listen(averaged(pairs), *guess.told(canvas))
        wrong = {}
        for count in steps:
            generator = torch.Generator().manual_seed(0)
            source = torch.randint(model.end + 1, (1, canvas), generator=generator)
            if path and path.heard:
                source = torch.distributions.Categorical(logits=guess.positions(canvas)).sample()
            if count:
                kept = torch.zeros_like(source, dtype=torch.bool)
                drawn = sample(
                    reader(model.decoder, memory), source, kept, count,
                    temperature=0.01, generator=generator,
                ).tokens  # fmt: skip
            else:
                drawn = guess.positions(canvas).argmax(-1)
            tokens = drawn[0].tolist()
            tokens = tokens[: tokens.index(model.end)] if model.end in tokens else tokens
            wrong[count] = distance(vocabulary.decode(tokens).split(), spoken)
        found.append(Counted(len(spoken), wrong, exact))
    return found


def error_rates(
    model: DraxModel, clips: Sequence[Clip], vocabulary: SubVocabulary, steps: Sequence[int]
) -> dict[str, float]:
    """Word error rates in percent of plain words, and how often the middle counts right."""
    found = counts(model, clips, vocabulary, steps)
    words = max(1, sum(each.words for each in found))
    rates = {f"wer_{n}": 100 * sum(each.wrong[n] for each in found) / words for n in steps}
    return {**rates, "counted": 100 * sum(each.exact for each in found) / max(1, len(found))}
