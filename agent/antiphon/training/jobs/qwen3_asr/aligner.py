"""Train the forced aligner: a trained Qwen3-ASR learns to say when words begin and end.

Cross-entropy at the slots alone, without a shift; in a part of the words there are no slots, so
that those of others do not depend on them (arXiv 2601.21337, sec. 2.3). Times are those of the
synthesizers themselves, rounded to classes and never floored, which would bring them half a class
early.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.recognition.alignment.slots import TIMESTAMP, spoken
from antiphon.recognition.qwen3_asr import checkpoint as checkpoints
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.qwen3_asr.tower import heard, tokens
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.training import loop
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing.augmentation import Augment, resample
from antiphon.training.corpora.hearing.timed_speech import Speak, plain, timed_voice
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr.model import padded, write

Sound = NDArray[np.float32]

VOICES = ("flite:awb", "flite:slt", "flite:kal16", "festival:voice_cmu_us_slt_arctic_hts")
"""That know their times; flite:rms and the agent's own are held out."""
BATCH = 16
STEP_MS, CLASSES = 20.0, 1500
"""Milliseconds of a class, and how many there are (30 s); the public aligner has 80 ms."""
SLOTTED = 0.8
"""Share of words that have slots in training."""
SMEARED = 0.15
"""Share of a target that goes to the classes beside it."""
RATE = 3e-4
LONGEST = 24.0
"""Seconds of a clip at most: sentences are joined up to this with pauses."""


@dataclass(frozen=True)
class Clip:
    """A clip as the model is shown it."""

    frames: torch.Tensor
    """[T, bands] scaled log-mel frames, float16."""
    words: tuple[str, ...]
    """Without punctuation."""
    times: torch.Tensor
    """[words, 2] seconds at which they begin and end."""


class TimedClips:
    """Draws clips with exact times.

    Args:
        data: the data folder (docs/data.md).
        features: of the model.
        voices: that speak.
    """

    def __init__(self, data: Path, features: Features, voices: Sequence[str] = VOICES) -> None:
        self.features, self.augment = features, Augment(data)
        self.voices: list[Speak] = [timed_voice(name) for name in voices]
        turns = (" ".join(turn.split()) for turn in texts.turns(data))
        self.texts = sorted({turn for turn in turns if 8 <= len(turn) <= 140 and plain(turn)})

    def clip(self, number: int, seed: int) -> Clip:
        """The clip of a number: one sentence to a few, changed by speed, room and noise."""
        rng = np.random.default_rng([seed, number])
        speak = self.voices[int(rng.integers(len(self.voices)))]
        limit = float(rng.choice([0.1, 0.1, 8.0, LONGEST]))
        sounds, words, times, at = list[Sound](), list[str](), list[tuple[float, float]](), 0.0
        while True:
            said = speak(self.texts[int(rng.integers(len(self.texts)))])
            if said is None or at + len(said.pcm) / SAMPLE_RATE > LONGEST:
                if words:
                    break
                continue
            pause = np.zeros(int(rng.uniform(0, 1) * SAMPLE_RATE), np.float32)
            at += len(pause) / SAMPLE_RATE
            words += [spoken(word.text) for word in said.words]
            times += [(at + w.start / SAMPLE_RATE, at + w.end / SAMPLE_RATE) for w in said.words]
            sounds += [pause, said.pcm]
            at += len(said.pcm) / SAMPLE_RATE
            if at > limit:
                break
        speed = float(rng.uniform(0.88, 1.12))
        pcm = self._changed(resample(np.concatenate(sounds), speed), rng)
        return Clip(self.features.whole(pcm).half(), tuple(words), torch.tensor(times) / speed)

    def _changed(self, pcm: Sound, rng: np.random.Generator) -> Sound:
        """A sound in a room, with noise, at a level; nothing moves in time."""
        rooms, noises = self.augment.rooms, self.augment.noises
        if rooms and rng.random() < 0.3:
            pcm = self.augment.room(pcm, rooms[int(rng.integers(len(rooms)))])
        if noises and rng.random() < 0.5:
            noise = noises[int(rng.integers(len(noises)))]
            pcm = self.augment.mix(pcm, noise, float(rng.uniform(0, 25)), rng)
        loudest = float(np.abs(pcm).max()) or 1.0
        return np.asarray(pcm * (10 ** float(rng.uniform(-1.3, 0)) / loudest), np.float32)


def corpus(clips: TimedClips, out: Path, count: int, *, minutes: float, seed: int) -> bool:
    """Write the clips that `out` does not have yet; True if all are there."""
    return numbered_files.write(
        out, count, lambda number: vars(clips.clip(number, seed)), minutes=minutes, kind="clip"
    )


def read(folder: Path) -> Iterator[Clip]:
    """The clips of a folder, in order."""
    for path in numbered_files.files(folder):
        yield Clip(**torch.load(path, weights_only=True))


def model_from(recognizer: Checkpoint, classes: int = CLASSES) -> Any:
    """An aligner that starts from a recognizer's weights; only its head is new."""
    from transformers import Qwen3ASRForTokenClassification

    settings = recognizer.model.config.to_dict() | {"num_labels": classes}
    model = Qwen3ASRForTokenClassification(type(recognizer.model.config)(**settings))
    model.model.load_state_dict(recognizer.model.model.state_dict())
    return model.float()


def losses(
    model: Any, tokenizer: Any, clips: Sequence[Clip], rng: np.random.Generator
) -> Mapping[str, torch.Tensor]:
    """Cross-entropy at the slots; `shift_ms`: how far the likeliest classes are off."""
    device = str(next(model.parameters()).device)
    chunk = 2 * model.config.audio_config.n_window
    frames, mask = padded([clip.frames for clip in clips], device, chunk)
    with mixed_precision():
        sounds = heard(model, frames, mask)
    parts = sounds.float().split([tokens(len(clip.frames), chunk) for clip in clips])
    slot = tokenizer.convert_tokens_to_ids(TIMESTAMP)
    start, end = (tokenizer.convert_tokens_to_ids(f"<|audio_{side}|>") for side in ("start", "end"))
    embed, rows, targets = model.get_input_embeddings(), [], []
    for clip, sound in zip(clips, parts, strict=True):
        asked, wanted = [end], [-1.0]
        for word, times in zip(clip.words, clip.times.tolist(), strict=True):
            pieces = tokenizer.encode(word, add_special_tokens=False)
            slots = times if rng.random() < SLOTTED else []
            asked += [*pieces, *[slot] * len(slots)]
            wanted += [*[-1.0] * len(pieces), *slots]
        ids = [torch.tensor(part, device=device) for part in ([start], asked)]
        rows.append(torch.cat([embed(ids[0]), sound, embed(ids[1])]))
        targets.append(torch.tensor([*[-1.0] * (1 + len(sound)), *wanted], device=device))
    read = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    seconds = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-1.0)
    at = seconds >= 0
    with mixed_precision():
        states = model.model.language_model(inputs_embeds=read).last_hidden_state
        logits = model.score(states[at])
    logits = logits.float()
    classes = logits.shape[-1]
    true = (seconds[at] * 1000 / STEP_MS).round().long().clamp(0, classes - 1)
    beside = [(true + step).clamp(0, classes - 1) for step in (-1, 1)]
    loss = (1 - SMEARED) * F.cross_entropy(logits, true)
    loss = loss + sum(SMEARED / 2 * F.cross_entropy(logits, other) for other in beside)
    off = (logits.argmax(-1) - true).abs().float().mean() * STEP_MS
    return {"loss": loss, "shift_ms": off}


def train(
    recognizer: Path,
    work: Path,
    out: Path,
    *,
    steps: int,
    minutes: float | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> bool:
    """Train an aligner from a recognizer on the clips in `work` and write it to `out`.

    Args:
        recognizer: folder of a trained Qwen3-ASR.
        work: folder of clips and checkpoints.
        out: folder of the finished weights.
        steps: of the whole run.
        minutes: time to take at most.
        seed: of head and batches.
        device: where it learns.

    Returns:
        True if the last step was reached.
    """
    torch.manual_seed(seed)
    start = checkpoints.load(recognizer)
    model = model_from(start).requires_grad_(True).to(device)
    clips = sorted(read(work / "clips"), key=lambda clip: len(clip.frames))
    if not clips:
        raise UserError("There are no clips: antiphon train aligner makes them first.")

    def drawn(step: int) -> Mapping[str, torch.Tensor]:
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(clips) - 2 * BATCH)))
        near = clips[first : first + 2 * BATCH]
        batch = [near[i] for i in rng.permutation(len(near))[:BATCH]]
        return losses(model, start.tokenizer, batch, rng)

    schedule = loop.Schedule(steps, RATE, min(300, steps // 4 + 1))
    done = loop.fit(model, drawn, schedule, work / "aligner", minutes=minutes, seed=seed)
    write(model, start.tokenizer, start.features(), "aligner", ["en"], out)
    (out / "processor_config.json").write_text(f'{{"timestamp_segment_time": {STEP_MS}}}\n')
    return done
