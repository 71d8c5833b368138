"""The Piper teacher voice: phonemes, exact durations and the latent its generator vocodes.

With `noise_scale = 0` the latent depends only on the phonemes and their durations, which makes it
easy to quantize; `noise_w` varies the durations.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon.errors import UserError

LATENT = "/Mul_7_output_0"
DURATIONS = "/Ceil_output_0"
PAD, BEGIN, END = 0, 1, 2
NOISE_W = 0.33
RATE = 22_050
"""Samples a second of a teacher: the codec's generator is made for it."""


@dataclass(frozen=True)
class Utterance:
    """One sentence spoken by the teacher."""

    text: str
    """The written text."""
    phonemes: NDArray[np.int16]
    """[P] phoneme ids with sentence marks, without the pads between them."""
    durations: NDArray[np.int16]
    """[P] latent frames per phoneme, including the pad that follows it."""
    latent: NDArray[np.float16]
    """[sum(durations), 192] latent frames at 86.13 Hz."""


def cut(voice: Path, out: Path, outputs: Sequence[str] = (LATENT, DURATIONS)) -> Path:
    """Write the part of the ONNX graph that makes `outputs` to `out`, and return `out`.

    Raises:
        UserError: The file is no ONNX graph, or has no such outputs.
    """
    import onnx

    if not out.exists():
        part = out.with_suffix(".part")
        try:
            graph = onnx.load(voice).graph
        except Exception as error:  # protobuf's own, and onnx's
            raise UserError(f"The voice {voice} is no ONNX file: give one of Piper's.") from error
        made = {name for node in graph.node for name in node.output}
        if missing := [name for name in outputs if name not in made]:
            raise UserError(
                f"The voice {voice} is laid out differently: it has no {' and no '.join(missing)}. "
                "Give a single-speaker voice of Piper 1.0.0 in medium quality."
            )
        names = [each.name for each in graph.input]
        onnx.utils.extract_model(str(voice), str(part), names, list(outputs), check_model=False)
        part.replace(out)
    return out


class Teacher:
    """Computes phonemes, durations and latents of text with a Piper voice.

    Args:
        voice: the voice's ONNX file; its JSON file is in the same folder.
        cache: folder for the cut graph.
        threads: ONNX Runtime threads.
        shift: makes another speaker of it: everything is spoken so many times slower, and has to
            be played so many times faster, which raises pitch and formants.

    Raises:
        UserError: The voice has another rate or layout, more than one speaker, or no JSON file.
    """

    def __init__(self, voice: Path, cache: Path, threads: int = 1, shift: float = 1.0) -> None:
        config = _config(voice)
        self.shift = shift
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            str(cut(voice, cache / f"{voice.stem}-latent.onnx")),
            options,
            providers=["CPUExecutionProvider"],
        )
        self.ids: dict[str, int] = {k: v[0] for k, v in config["phoneme_id_map"].items()}
        self.language: str = config["espeak"]["voice"]

    def symbols(self, text: str) -> list[list[str]]:
        """Phoneme symbols of each sentence of `text`, as segmented by espeak-ng."""
        sentences = _espeak().phonemize(self.language, text)
        return [[symbol for symbol in sentence if symbol in self.ids] for sentence in sentences]

    def phonemes(self, text: str) -> list[list[int]]:
        """Phoneme ids of each sentence of `text`, with sentence marks, without pads."""
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
        """Compute the durations and latent of one sentence.

        Args:
            text: stored in the result.
            phonemes: ids as `phonemes` returns them.
            noise: noise scale of the latent; Piper's default is 0.667.
            noise_w: noise scale of the durations, which vary from call to call.
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
        frames = np.append(durations.reshape(-1), 0).reshape(-1, 2).sum(1)
        latent = latent.reshape(latent.shape[-2], -1).T
        if self.shift != 1:
            frames, latent = stretched(frames, latent, self.shift)
        return Utterance(
            text, np.array(phonemes, np.int16), frames.astype(np.int16), latent.astype(np.float16)
        )


def stretched(
    frames: NDArray[np.int16], latent: NDArray[np.float32], factor: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Durations [P] and latent [T, C] of the same speech, so many times slower."""
    ends = np.round(np.cumsum(frames, dtype=np.int64) * factor).astype(np.int64)
    slow = F.interpolate(torch.from_numpy(latent.T)[None], size=int(ends[-1]), mode="linear")
    return np.diff(ends, prepend=0), slow[0].T.numpy()


def _config(voice: Path) -> dict[str, Any]:
    """What the JSON file beside a voice says, as far as a teacher can use it."""
    path = voice.with_name(voice.name + ".json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        rate, ids, _ = config["audio"]["sample_rate"], config["phoneme_id_map"], config["espeak"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} does not describe a Piper voice ({error!r}): put the voice's own beside it."
        ) from error
    if rate != RATE:
        raise UserError(f"The voice {voice} has {rate} Hz: give one of {RATE} Hz.")
    if config.get("num_speakers", 1) != 1:
        raise UserError(f"The voice {voice} has several speakers: give one with a single speaker.")
    if [ids.get(symbol) for symbol in "_^$"] != [[PAD], [BEGIN], [END]]:
        raise UserError(f"The voice {voice} numbers its phonemes differently: give one of Piper's.")
    return dict(config)


@lru_cache(maxsize=1)
def _espeak():  # type: ignore[no-untyped-def]
    try:
        from piper.phonemize_espeak import EspeakPhonemizer
    except ImportError as error:
        raise UserError(
            "the training teacher needs the package piper-tts: pip install 'antiphon[train]'"
        ) from error
    return EspeakPhonemizer()
