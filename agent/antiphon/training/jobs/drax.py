"""Train Drax: first its middle by CTC, then the decoder on the tri-mixture path, with the middle.

Loss of the second stage: cross-entropy of the decoder and of the middle at equal weights
(Navon et al., arXiv 2510.04162, eq. 5, 8 and 9), and CTC so that the middle keeps its times. A clip
of which the middle counts too many or too few tokens teaches it by CTC alone: elsewhere its frames
stand for other positions, and would unlearn what they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.checkpoint import DraxModel, save, small
from antiphon.recognition.drax.middle import ctc_loss
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.recognizer import canvas_for, paired
from antiphon.recognition.drax.sampler import sample
from antiphon.recognition.drax.vocabulary import SubVocabulary, plain
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.training import loop
from antiphon.training.corpora import recognition
from antiphon.training.corpora.recognition import Clip, RecognitionCorpus

WHISPER = "whisper-tiny.en"
BATCH = 24
FILLING = 0.1
"""Weight of the end marks that fill the canvas behind the first."""
KEPT = 0.3
"""Share of clips of which a true prefix is kept, so that drafts can go on from one."""
SILENT = 0.1
"""Share of clips whose audio is dropped (classifier-free guidance)."""
CTC = 1.0
"""Weight of the middle's CTC while the decoder learns."""
MIDDLE_RATE, DECODER_RATE = 1e-3, 3e-4
"""Peak learning rates of the stages."""
EVALUATED = 48
"""Held-out clips that are transcribed to watch the training."""


@dataclass(frozen=True)
class Batch:
    """Clips of about the same length."""

    audio: torch.Tensor
    """[B, S, 768] pairs of states."""
    lengths: torch.Tensor
    """[B] pairs that are real."""
    text: torch.Tensor
    """[B, L] tokens, end marks behind."""
    counts: torch.Tensor
    """[B] tokens of text."""

    @property
    def heard(self) -> torch.Tensor:
        """[B, S] True where there is audio."""
        places = torch.arange(self.audio.shape[1])
        return places[None] < self.lengths[:, None]


class Batches:
    """Draws batches by step number.

    Args:
        clips: of the corpus; those whose text cannot fit are left out.
        vocabulary: of the model.
        end: its end mark.
        longest: positions of the canvas at most.
    """

    def __init__(
        self, clips: Sequence[Clip], vocabulary: SubVocabulary, end: int, longest: int
    ) -> None:
        self.end, self.longest = end, longest
        rows = [(clip.frames, vocabulary.encode(clip.text)) for clip in clips]
        rows = [
            (frames, ids)
            for frames, ids in rows
            if ids and len(ids) < longest and len(frames) // 2 > 1.1 * len(ids)
        ]
        self.rows = sorted(rows, key=lambda row: len(row[0]))
        if not self.rows:
            raise UserError("The corpus has no clips: make it first (antiphon train drax).")

    def draw(self, step: int, seed: int, size: int = BATCH) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.rows) - 2 * size)))
        near = self.rows[first : first + 2 * size]
        return self.collate([near[i] for i in rng.permutation(len(near))[:size]])

    def collate(self, rows: Sequence[tuple[torch.Tensor, list[int]]]) -> Batch:
        """Rows as a batch."""
        audio = [paired(frames.float()) for frames, _ in rows]
        canvas = canvas_for(max(len(ids) for _, ids in rows), self.longest)
        text = torch.full((len(rows), canvas), self.end)
        for i, (_, ids) in enumerate(rows):
            text[i, : len(ids)] = torch.tensor(ids)
        return Batch(
            nn.utils.rnn.pad_sequence(audio, batch_first=True),
            torch.tensor([len(a) for a in audio]),
            text,
            torch.tensor([len(ids) for _, ids in rows]),
        )


def middle_losses(model: DraxModel, batch: Batch) -> Mapping[str, torch.Tensor]:
    """CTC of the middle alone."""
    guess = model.middle(batch.audio, batch.heard)
    return {"loss": ctc_loss(guess, batch.lengths, batch.text, batch.counts)}


def decoder_losses(model: DraxModel, batch: Batch, path: MixturePath) -> Mapping[str, torch.Tensor]:
    """Decoder and middle at random times of the path."""
    guess = model.middle(batch.audio, batch.heard)
    length = batch.text.shape[1]
    counted = guess.count.round() == batch.counts
    log_probs = guess.positions(length)
    log_probs = torch.where(counted[:, None, None], log_probs, log_probs.detach())
    places = torch.arange(length)[None]
    kept = torch.rand(len(batch.text)) < KEPT
    share = torch.rand(len(batch.text)) * kept
    keep = places < (share * batch.counts)[:, None]
    time = torch.rand(len(batch.text))
    noisy = path.draw(batch.text, log_probs, time, keep)
    audible = torch.rand(len(batch.text)) >= SILENT
    memory = model.decoder.listen(guess.states * audible[:, None, None], guess.places)
    logits = model.decoder(noisy, time, memory, batch.heard, keep)
    weight = torch.where(places > batch.counts[:, None], FILLING, 1.0) * ~keep
    weight = weight / weight.sum()
    flow = (F.cross_entropy(logits.transpose(1, 2), batch.text, reduction="none") * weight).sum()
    said = (places < batch.counts[:, None]) & counted[:, None]
    missed = -log_probs.gather(-1, batch.text[..., None])[..., 0]
    middle = (missed * said).sum() / said.sum().clamp(min=1)
    ctc = ctc_loss(guess, batch.lengths, batch.text, batch.counts)
    return {"loss": flow + middle + CTC * ctc, "flow": flow, "middle": middle, "ctc": ctc}


def error_rates(
    model: DraxModel, clips: Sequence[Clip], vocabulary: SubVocabulary, steps: Sequence[int]
) -> dict[str, float]:
    """Word error rates in percent of plain words, by evaluations of the decoder (0: middle)."""
    wrong, words = dict.fromkeys(steps, 0), 0
    for clip in clips:
        said = plain(clip.text).split()
        words += len(said)
        audio = paired(clip.frames.float())[None]
        guess = model.middle(audio)
        canvas = canvas_for(float(guess.count), model.decoder.config.length)
        memory = model.decoder.listen(guess.states, guess.places)
        for count in steps:
            generator = torch.Generator().manual_seed(0)
            noise = torch.randint(model.end + 1, (1, canvas), generator=generator)
            if count:
                kept = torch.zeros_like(noise, dtype=torch.bool)
                found = sample(
                    lambda x, t, keep, memory=memory: model.decoder(x, t, memory, None, keep),
                    noise, kept, count, temperature=0.01, generator=generator,
                ).tokens  # fmt: skip
            else:
                found = guess.positions(canvas).argmax(-1)
            tokens = found[0].tolist()
            tokens = tokens[: tokens.index(model.end)] if model.end in tokens else tokens
            wrong[count] += distance(vocabulary.decode(tokens).split(), said)
    return {f"wer_{count}": 100 * wrong[count] / max(1, words) for count in steps}


def corpus(
    data: Path,
    work: Path,
    *,
    synthetic: int,
    versions: int,
    limit: int | None,
    minutes: float,
    seed: int,
) -> bool:
    """Compute the encoder states of the corpus and of the held-out clips; True if all are there."""
    encoder = AudioEncoder.load(weights.path(WHISPER), in_silence=True)
    done = recognition.build(
        RecognitionCorpus(data, synthetic, versions, limit),
        encoder,
        work / "corpus",
        minutes=minutes,
        seed=seed,
    )
    if not (work / "dev.pt").exists():
        recognition.write(work / "dev.pt", recognition.dev_clips(data), encoder)
    return done


def train(
    work: Path,
    out: Path,
    *,
    middle_steps: int,
    steps: int,
    minutes: float | None = None,
    seed: int = 0,
    middle_in_path: bool = True,
) -> bool:
    """Train both stages on the corpus in `work` and write the model to `out`.

    Args:
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        middle_steps: of the first stage.
        steps: of the second.
        minutes: time to take at most, for each stage.
        seed: of weights, batches and noise.
        middle_in_path: whether the path goes over the middle; False: straight from noise.

    Returns:
        True if the last step was reached; what was learned until then is written in any case.
    """
    torch.manual_seed(seed)
    model = small()
    vocabulary = SubVocabulary(weights.path(WHISPER) / "tokenizer.json", model.end)
    batches = Batches(
        recognition.read(work / "corpus"), vocabulary, model.end, model.decoder.config.length
    )
    rows = torch.load(work / "dev.pt", weights_only=True)
    dev = [Clip(row["frames"], row["text"]) for row in rows][:EVALUATED]
    first = loop.fit(
        model.middle,
        lambda step: middle_losses(model, batches.draw(step, seed)),
        loop.Schedule(middle_steps, MIDDLE_RATE),
        work / "middle",
        minutes=minutes,
        seed=seed,
        evaluate=lambda: error_rates(model.eval(), dev, vocabulary, (0,)),
    )
    path = MixturePath(middle=middle_in_path)
    second = first and loop.fit(
        model,
        lambda step: decoder_losses(model, batches.draw(step, seed + 1), path),
        loop.Schedule(steps, DECODER_RATE, warmup=min(500, steps // 4)),
        work / ("decoder" if middle_in_path else "decoder-straight"),
        minutes=minutes,
        seed=seed,
        evaluate=lambda: error_rates(model.eval(), dev, vocabulary, (0, 4, 8)),
    )
    if first:
        save(model, WHISPER, out, steps={"middle": middle_steps, "decoder": steps})
    return bool(second)
