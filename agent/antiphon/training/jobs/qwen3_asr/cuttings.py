"""Sounds of tokens cut out of clips, and put together for texts that nobody has spoken.

So the language model meets in many more texts than there are clips what is truly heard of a token:
faint, late, spelled otherwise, or something else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from antiphon.recognition.alignment.viterbi import align
from antiphon.training.jobs.qwen3_asr.batches import Batch
from antiphon.training.jobs.qwen3_asr.labels import Alphabet, Labels, imagined

EARLY = 1
"""Tokens of sound that belong to a label before it is heard."""

Cut = tuple[int, int, int]
"""Which clip, and where a label begins and ends in it."""


class Cuttings:
    """Keeps the sounds of labels.

    Args:
        alphabet: the labels.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        self.sounds: list[torch.Tensor] = []
        self.cuts: dict[tuple[str, int], list[Cut]] = defaultdict(list)
        """By language and label."""
        self.before: list[Cut] = []
        """What comes before the first label."""

    @torch.no_grad()
    def add(self, labels: Labels, batch: Batch, sounds: Sequence[torch.Tensor]) -> None:
        """Cut clips [N, hidden] whose texts fit what is heard."""
        scores = labels.log_probs(sounds).float().cpu().numpy()
        for clip, sound, score in zip(batch.clips, sounds, scores, strict=True):
            said = self.alphabet.encode(clip.text)
            slots = align(score[: len(sound)], said, self.alphabet.blank)
            if not slots:
                continue
            at = len(self.sounds)
            self.sounds.append(sound.to(torch.bfloat16).cpu())
            firsts = [max(0, slot - EARLY) for slot in slots]
            self.before.append((at, 0, firsts[0]))
            for label, first, end in zip(said, firsts, [*firsts[1:], len(sound)], strict=True):
                self.cuts[clip.language, label].append((at, first, end))

    def spoken(self, text: str, language: str, rng: np.random.Generator) -> torch.Tensor:
        """A text [N, hidden] as its labels sound in clips; imagined where one never does."""
        said = self.alphabet.encode(text)
        pools = [self.cuts.get((language, label)) for label in said]
        if not said or not all(pools):
            return imagined(text, self.alphabet, rng)
        drawn = [self.before, *filter(None, pools)]
        parts = [pool[int(rng.integers(len(pool)))] for pool in drawn]
        found = torch.cat([self.sounds[at][first:end] for at, first, end in parts])
        return found.to(self.alphabet.vectors)


def cut(labels: Labels, batches: Iterable[tuple[Batch, Sequence[torch.Tensor]]]) -> Cuttings:
    """The sounds of labels in batches, each with what is heard in it."""
    found = Cuttings(labels.alphabet)
    for batch, sounds in batches:
        found.add(labels, batch, sounds)
    return found
