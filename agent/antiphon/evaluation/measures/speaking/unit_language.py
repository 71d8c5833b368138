"""The unit language: how much shorter than raw units, and what that costs in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon.evaluation.judges import Pcm, at_judges_rate
from antiphon.evaluation.scores import Errors, total, word_errors
from antiphon_codecs.unit.unit_codec import UnitCodec
from antiphon_codecs.unit_language.unit_language import UnitLanguage


def evaluate(
    sentences: Sequence[str],
    latent: Callable[[str], torch.Tensor],
    codec: UnitCodec,
    language: UnitLanguage,
    recognize: Callable[[Pcm], str],
) -> dict[str, Any]:
    """Write held-out sentences as units and as unit words, and speak both.

    Args:
        sentences: what is said.
        latent: the teacher's latent [T, C] of a sentence.
        codec: latents to units to sound.
        language: units to unit words and back.
        recognize: the judge.
    """
    errors: dict[str, list[Errors]] = {"teacher": [], "units": [], "words": []}
    n_units = n_words = changed = 0
    for sentence in tqdm(sentences, desc="units", unit="sentence"):
        frames = latent(sentence)
        units = codec.encode_latent(frames)
        words = language.encode(units)
        back = np.asarray(language.decode(words))
        n_units, n_words = n_units + len(units), n_words + len(words)
        same = np.array_equal(back, units)
        changed += not same

        def judged(pcm: Pcm, said: str = sentence) -> Errors:
            return word_errors(said, recognize(at_judges_rate(pcm, codec.sample_rate)))

        errors["teacher"].append(judged(sound(codec, frames)))
        errors["units"].append(judged(codec.decode(units)))
        # The same units are the same sound.
        errors["words"].append(errors["units"][-1] if same else judged(codec.decode(back)))
    rates = {name: total(found).percent for name, found in errors.items()}
    seconds = n_units / codec.unit_rate
    return {
        "sentences": len(sentences),
        "seconds": round(seconds, 2),
        "units_per_second": round(codec.unit_rate, 3),
        "words_per_second": round(n_words / seconds, 3) if seconds else float("nan"),
        "compression": round(n_units / n_words, 4) if n_words else float("nan"),
        "wer_loss": round(rates["words"] - rates["units"], 4),
        "wer": {name: round(rate, 3) for name, rate in rates.items()},
        "sentences_changed": changed,
    }


@torch.inference_mode()
def sound(codec: UnitCodec, frames: torch.Tensor) -> Pcm:
    """The teacher's own sound of a latent [T, C]."""
    pcm: Pcm = codec.generator(frames[None].float())[0].numpy()
    return pcm
