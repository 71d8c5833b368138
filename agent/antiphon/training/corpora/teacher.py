"""The Piper voice, cut open: phonemes, exact durations and the latent its generator turns to sound.

With `noise_scale = 0` the latent is a function of the phonemes and their durations alone, which is
what makes it so easy to quantize; `noise_w` keeps the rhythm alive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

LATENT = "/Mul_7_output_0"
DURATIONS = "/Ceil_output_0"
PAD, BEGIN, END = 0, 1, 2
NOISE_W = 0.33


@dataclass(frozen=True)
class Utterance:
    """One sentence as the teacher says it."""

    text: str
    """What was written."""
    phonemes: NDArray[np.int16]
    """[P] phoneme ids with the sentence marks but without the pads between them."""
    durations: NDArray[np.int16]
    """[P] latent frames of each phoneme, its following pad included."""
    latent: NDArray[np.float16]
    """[sum(durations), 192] latent frames, 86.13 a second."""


def cut(voice: Path, out: Path) -> Path:
    """Write the part of the voice's graph before the generator and return its path."""
    import onnx

    if not out.exists():
        part = out.with_suffix(".part")
        names = [node.name for node in onnx.load(voice).graph.input]
        onnx.utils.extract_model(
            str(voice), str(part), names, [LATENT, DURATIONS], check_model=False
        )
        part.replace(out)
    return out


class Teacher:
    """Text to phonemes, durations and latents by a Piper voice.

    Args:
        voice: the voice's ONNX file, its JSON beside it.
        cache: folder for the cut graph.
        threads: threads of the ONNX runtime.
    """

    def __init__(self, voice: Path, cache: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            str(cut(voice, cache / f"{voice.stem}-latent.onnx")),
            options,
            providers=["CPUExecutionProvider"],
        )
        config = json.loads(voice.with_name(voice.name + ".json").read_text())
        self.ids: dict[str, int] = {k: v[0] for k, v in config["phoneme_id_map"].items()}
        self.language: str = config["espeak"]["voice"]

    def symbols(self, text: str) -> list[list[str]]:
        """Phoneme symbols of every sentence of `text`, as espeak-ng divides it."""
        sentences = _espeak().phonemize(self.language, text)
        return [[symbol for symbol in sentence if symbol in self.ids] for sentence in sentences]

    def phonemes(self, text: str) -> list[list[int]]:
        """Phoneme ids of every sentence of `text`, with sentence marks, without pads."""
        return [[BEGIN, *(self.ids[s] for s in symbols), END] for symbols in self.symbols(text)]

    def speak(
        self,
        text: str,
        phonemes: list[int],
        *,
        noise: float = 0.0,
        noise_w: float = NOISE_W,
        rate: float = 1.0,
    ) -> Utterance:
        """Latent of one sentence.

        Args:
            text: kept with the result.
            phonemes: ids as `phonemes` returns them.
            noise: how much the latent varies; Piper's own voice has 0.667.
            noise_w: how much the rhythm varies from call to call.
            rate: factor on all durations.
        """
        spaced = [PAD] * (2 * len(phonemes) - 1)
        spaced[::2] = phonemes
        latent, durations = self.session.run(
            None,
            {
                "input": np.array([spaced], np.int64),
                "input_lengths": np.array([len(spaced)], np.int64),
                "scales": np.array([noise, rate, noise_w], np.float32),
            },
        )
        frames = np.append(durations.reshape(-1), 0).reshape(-1, 2).sum(1).astype(np.int16)
        latent = latent.reshape(latent.shape[-2], -1).T.astype(np.float16)
        return Utterance(text, np.array(phonemes, np.int16), frames, latent)


@lru_cache(maxsize=1)
def _espeak():  # type: ignore[no-untyped-def]
    try:
        from piper.phonemize_espeak import EspeakPhonemizer
    except ImportError as error:
        from antiphon.errors import UserError

        raise UserError(
            "the training teacher needs the package piper-tts: pip install 'antiphon[train]'"
        ) from error
    return EspeakPhonemizer()
