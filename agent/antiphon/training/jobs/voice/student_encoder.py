"""Train the student encoder to predict the codec units of speech synthesized by the teacher.

The audio is augmented in ways that keep the units: pitch, vocal-tract length, room, noise and
level. The input of the student is the states of a frozen speech recognizer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from tqdm import tqdm

from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.training.corpora.hearing.augmentation import Augment, resample
from antiphon.training.loop import Schedule, fit
from antiphon_codecs.unit.student_encoder import SpeechEncoder, StudentEncoder
from antiphon_codecs.unit.unit_codec import UnitCodec

BATCH = 16
CLIP_SECONDS = 2.0
PIECE_FRAMES = 512
"""Latent frames per generator call; constant, because PyTorch plans each new size anew."""
HELD_OUT_SHARE = 0.04
"""Share of the pairs, at the end, that is held out."""
PITCH_RANGE = (0.8, 1.9)
"""Range of the speakers' pitch relative to the teacher's."""
STATE_DROPOUT = 0.1
"""Dropout on the recognizer states in training."""


@dataclass
class Pairs:
    """Speech at many pitches, concatenated, with its units."""

    sound: NDArray[np.float16]
    """[N] samples."""
    units: NDArray[np.int16]
    """[N / samples_per_unit]."""
    pitch: NDArray[np.float16]
    """[N / samples_per_unit] pitch relative to the teacher's, per unit."""
    latents: NDArray[np.float16]
    """[N / HOP, latent] the teacher's latents."""

    def save(self, path: Path) -> None:
        """Write all arrays, atomically."""
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, **self.__dict__)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pairs:
        """Read a file written by `save`."""
        with np.load(path) as file:
            return cls(**{name: file[name] for name in file.files})


@torch.inference_mode()
def make_pairs(
    codec: UnitCodec,
    latents: Sequence[NDArray[np.float16]],
    hours: float,
    *,
    seed: int,
    minutes: float | None = None,
) -> Pairs:
    """Synthesize the teacher's latents at many pitches.

    A latent stretched in time gives the same voice speaking more slowly. Resampling that audio to
    the original duration gives a higher voice with a shorter vocal tract, at the original speed.

    Args:
        codec: a trained codec.
        latents: [T, latent] per sentence.
        hours: hours of speech to make; fewer if the latents run out.
        seed: of the pitches.
        minutes: time limit; returns the pairs made so far.
    """
    rng = np.random.default_rng(seed)
    deadline = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    wanted = round(hours * 3600 * codec.unit_rate)
    stride, sentences, sound, pitch = codec.config.stride, iter(latents), [], []
    meant = np.zeros((0, codec.config.latent), np.float16)
    units = np.zeros(0, np.int64)
    done = 0
    with tqdm(total=wanted, desc="pairs", unit="unit") as bar:
        while done < wanted and time.monotonic() < deadline:
            pitch_factor = (
                float(np.exp(rng.uniform(*np.log(PITCH_RANGE)))) if rng.random() < 0.8 else 1.0
            )
            size = round(PIECE_FRAMES / pitch_factor / stride)
            while len(units) < done + size and (row := next(sentences, None)) is not None:
                units = np.concatenate([units, codec.encode_latent(torch.from_numpy(row))])
                meant = np.concatenate([meant, row[: len(row) // stride * stride]])
            if len(units) < done + size:
                break
            z = torch.from_numpy(meant[done * stride : (done + size) * stride]).float()
            slow = F.interpolate(z.T[None], size=PIECE_FRAMES, mode="linear")[0].T
            with mixed_precision():
                said = codec.generator(slow[None])[0].float().numpy()
            length = size * codec.samples_per_unit
            sound.append(np.resize(resample(said, len(said) / length), length).astype(np.float16))
            pitch.append(np.full(size, pitch_factor, np.float16))
            done += size
            bar.update(size)
    if not done:
        raise UserError("the student needs more latents: run `antiphon train corpus` first")
    return Pairs(
        np.concatenate(sound),
        units[:done].astype(np.int16),
        np.concatenate(pitch),
        meant[: done * stride],
    )


def with_student(codec: UnitCodec, width: int, recognizer: SpeechEncoder) -> UnitCodec:
    """Return a frozen copy of the codec with an untrained, trainable student."""
    states = recognizer(np.zeros(SAMPLE_RATE, np.float32)).shape[-1]
    codec_with = UnitCodec(replace(codec.config, student_width=width, student_states=states))
    codec_with.speech_encoder = recognizer
    kept = {k: v for k, v in codec.state_dict().items() if not k.startswith("student.")}
    codec_with.load_state_dict(kept, strict=False)
    codec_with.eval().requires_grad_(False)
    assert codec_with.student is not None
    codec_with.student.requires_grad_(True)
    return codec_with


class Imitation:
    """Losses of the student on pieces of the teacher's speech.

    Args:
        codec: with a student and a recognizer.
        pairs: audio and units.
        augment: its rooms and noises are used.
        seed: of the batches and their augmentation.
    """

    def __init__(self, codec: UnitCodec, pairs: Pairs, augment: Augment, *, seed: int = 0) -> None:
        assert codec.student is not None and codec.speech_encoder is not None
        self.codec, self.pairs, self.seed, self.augment = codec, pairs, seed, augment
        self.student: StudentEncoder = codec.student
        self.speech_encoder: SpeechEncoder = codec.speech_encoder
        self.length = min(
            round(CLIP_SECONDS * codec.unit_rate), int(len(pairs.units) * HELD_OUT_SHARE) - 1
        )
        self.kept = int(len(pairs.units) * (1 - HELD_OUT_SHARE))

    def step(self, step: int) -> Mapping[str, torch.Tensor]:
        """Losses on the augmented batch of `step`."""
        rng = np.random.default_rng([self.seed, step])
        starts = rng.integers(self.kept - self.length, size=BATCH)
        states = self.states(starts, rng)
        seen = torch.from_numpy(rng.random(states.shape) >= STATE_DROPOUT)
        return self.losses(starts, states * seen / (1 - STATE_DROPOUT))

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Metrics on held-out speech, clean and augmented.

        `accuracy` is the share of equal units; `mse` is the error of the normalized latent decoded
        from the student's units, `mse_of_codec` from the teacher's units.
        """
        last = len(self.pairs.units) - self.length
        starts = np.linspace(self.kept, last, BATCH).astype(np.int64)
        plain = starts[[self._own_voice(start) for start in starts]]
        plain = plain if len(plain) else starts
        states = self.states(plain)
        figures = {k: float(v) for k, v in self.losses(plain, states).items()}
        altered = self.losses(starts, self.states(starts, np.random.default_rng(0)))
        said = self.student(states, self.length).argmax(-1)
        meant = torch.stack([self._latent(start) for start in plain])
        for name, units in ("mse", said), ("mse_of_codec", self.units(plain)):
            z = torch.stack([self.codec.decode_latent(u.numpy()) for u in units])
            error = F.mse_loss(self.codec.normalize(z), self.codec.normalize(meant))
            figures[name] = float(error)
        return figures | {"accuracy_altered": float(altered["accuracy"])}

    def losses(self, starts: NDArray[np.int64], states: torch.Tensor) -> dict[str, torch.Tensor]:
        """Cross entropy (label smoothing 0.1) and accuracy on the pieces at `starts`."""
        with mixed_precision():
            logits = self.student(states, self.length)
        units = self.units(starts)
        loss = F.cross_entropy(logits.float().flatten(0, 1), units.flatten(), label_smoothing=0.1)
        return {"loss": loss, "accuracy": (logits.argmax(-1) == units).float().mean()}

    def states(
        self, starts: NDArray[np.int64], rng: np.random.Generator | None = None
    ) -> torch.Tensor:
        """Recognizer states [B, T, width] of the pieces, augmented if `rng` is given."""
        heard = []
        for start in starts:
            pcm = resample(self._sound(start), self.codec.sample_rate / SAMPLE_RATE)
            heard.append(self.speech_encoder(pcm if rng is None else self._elsewhere(pcm, rng)))
        return torch.stack(heard)

    def units(self, starts: NDArray[np.int64]) -> torch.Tensor:
        """Units [B, length] of the pieces."""
        rows = [self.pairs.units[i : i + self.length] for i in starts]
        return torch.from_numpy(np.stack(rows)).long()

    def _elsewhere(self, pcm: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Add a random room, noise and level; the length does not change."""
        rooms, noises = self.augment.rooms, self.augment.noises
        if rooms and rng.random() < 0.4:
            pcm = Augment.room(pcm, rooms[rng.integers(len(rooms))])
        if noises and rng.random() < 0.6:
            pcm = Augment.mix(
                pcm, noises[rng.integers(len(noises))], float(rng.uniform(5, 40)), rng
            )
        return pcm * np.float32(10 ** rng.uniform(-1, 0.3))

    def _sound(self, start: int) -> NDArray[np.float32]:
        hop = self.codec.samples_per_unit
        return self.pairs.sound[start * hop : (start + self.length) * hop].astype(np.float32)

    def _latent(self, start: int) -> torch.Tensor:
        stride = self.codec.config.stride
        rows = self.pairs.latents[start * stride : (start + self.length) * stride]
        return torch.from_numpy(rows.astype(np.float32))

    def _own_voice(self, start: int) -> bool:
        return bool((self.pairs.pitch[start : start + self.length] == 1).all())


def train(
    codec: UnitCodec,
    pairs: Pairs,
    augment: Augment,
    recognizer: SpeechEncoder,
    out: Path,
    *,
    width: int = 256,
    steps: int = 1500,
    minutes: float | None = None,
    seed: int = 0,
) -> UnitCodec:
    """Train a student in `out`; resumes a run.

    Args:
        codec: a trained codec; its units are the targets.
        pairs: from `make_pairs`.
        augment: its rooms and noises are used.
        recognizer: its states are the input of the student.
        out: folder of checkpoint, log and curves.
        width: channels of the student.
        steps: optimizer steps of the whole run.
        minutes: time limit; the checkpoint is complete at any time.
        seed: of initial weights and batches.

    Returns:
        The codec with its student.
    """
    torch.manual_seed(seed)
    codec = with_student(codec, width, recognizer)
    task = Imitation(codec, pairs, augment, seed=seed)
    schedule = Schedule(steps, lr=1.5e-3)
    fit(
        task.student,
        task.step,
        schedule,
        out,
        minutes=minutes,
        seed=seed,
        evaluate=task.held_out,
        evaluate_every=200,
    )
    return codec.eval()
