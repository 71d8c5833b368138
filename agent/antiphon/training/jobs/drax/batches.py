"""Batches of the clips that Drax learns from, and what its middle hears in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon.recognition.drax.checkpoint import DraxModel
from antiphon.recognition.drax.recognizer import canvas_for, paired
from antiphon.recognition.drax.vocabulary import SubVocabulary
from antiphon.training.corpora.hearing.recognition import Clip

BATCH = 24
LIKELY = 4
"""Labels of a position that are remembered of a middle that does not learn."""
PADDING_MULTIPLE = 32
"""Pairs of states: kernels are compiled for every new length of a batch."""
HIDDEN = 0.12
"""Share of frames that are hidden from a model that learns, in runs of `RUN`."""
RUN = 6
DEAF = 0.6
"""Share of frames that are hidden from the middle at most when it hears the clips that it learnt
from: it would be right too often, and be believed too much."""


@dataclass(frozen=True)
class Hint:
    """What the middle hears in a clip, if it does not learn along."""

    places: torch.Tensor
    """[S] see `Guess.places`."""
    said: torch.Tensor
    """[L, width] see `Guess.said`."""
    likely: torch.Tensor
    """[L, LIKELY] labels at positions; the end mark behind the last."""
    chances: torch.Tensor
    """[L, LIKELY] how likely they are."""


@dataclass(frozen=True)
class Row:
    """A clip of the corpus."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    ids: list[int]
    hint: Hint | None = None


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
    hint: Hint | None = None
    """Of all clips, with a first dimension."""

    @property
    def heard(self) -> torch.Tensor:
        """[B, S] True where there is audio."""
        places = torch.arange(self.audio.shape[1], device=self.audio.device)
        return places[None] < self.lengths[:, None]

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        hint = Hint(*(part.to(device) for part in vars(self.hint).values())) if self.hint else None
        return Batch(
            self.audio.to(device),
            self.lengths.to(device),
            self.text.to(device),
            self.counts.to(device),
            hint,
        )


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
        rows = [Row(clip.frames, vocabulary.encode(clip.text)) for clip in clips]
        rows = [
            row
            for row in rows
            if row.ids and len(row.ids) < longest and len(row.frames) // 2 > 1.1 * len(row.ids)
        ]
        self.rows = sorted(rows, key=lambda row: len(row.frames))
        if not self.rows:
            raise UserError("The corpus has no clips: make it first (antiphon train drax).")

    def listen(self, model: DraxModel, file: Path) -> None:
        """Remember what the middle hears in every clip, in a file, too.

        What a middle heard that has learnt since, or in other clips, is heard anew.
        """
        weights = sum(float(p.detach().double().sum()) for p in model.middle.parameters())
        key = [float(len(self.rows)), weights]
        saved = torch.load(file, weights_only=True) if file.exists() else None
        if not isinstance(saved, dict) or saved["key"] != key:
            saved = {"key": key, "hints": list(self._heard(model))}
            torch.save(saved, file)
        self.rows = [
            Row(row.frames, row.ids, Hint(*hint))
            for row, hint in zip(self.rows, saved["hints"], strict=True)
        ]

    @torch.no_grad()
    def _heard(self, model: DraxModel) -> Iterator[tuple[torch.Tensor, ...]]:
        """Fields of the hint of each clip, whose positions are those of its text.

        What a middle that counts one too few says behind it stands for other positions. Learning
        from that, a decoder would write words twice: it cannot know where one is missing.
        """
        torch.manual_seed(0)
        model.middle.eval()
        for row in tqdm(self.rows, desc="hints", unit="clip"):
            audio = paired(row.frames.float())[None]
            audio = audio * shown(audio, DEAF * float(torch.rand(())))
            guess = model.middle.aligned(audio, row.ids) or model.middle(audio)
            canvas = canvas_for(len(row.ids), self.longest)
            chances, likely = guess.positions(canvas)[0].topk(LIKELY)
            yield guess.places[0], guess.said(canvas)[0].half(), likely.int(), chances.exp()

    def draw(self, step: int, seed: int, size: int = BATCH) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.rows) - 2 * size)))
        near = self.rows[first : first + 2 * size]
        return self.collate([near[i] for i in rng.permutation(len(near))[:size]])

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Rows as a batch."""
        audio = [paired(row.frames.float()) for row in rows]
        canvas = canvas_for(max(len(row.ids) for row in rows), self.longest)
        text = torch.full((len(rows), canvas), self.end)
        for i, row in enumerate(rows):
            text[i, : len(row.ids)] = torch.tensor(row.ids)
        pairs = -(-max(map(len, audio)) // PADDING_MULTIPLE) * PADDING_MULTIPLE
        return Batch(
            padded(audio, pairs),
            torch.tensor([len(a) for a in audio]),
            text,
            torch.tensor([len(row.ids) for row in rows]),
            self._hints([row.hint for row in rows if row.hint], pairs, canvas),
        )

    def _hints(self, hints: Sequence[Hint], pairs: int, canvas: int) -> Hint | None:
        if not hints:
            return None

        def fill(parts: list[torch.Tensor], value: float) -> torch.Tensor:
            rows = [part[:canvas] for part in parts]
            rows = [F.pad(part, (0, 0, 0, canvas - len(part)), value=value) for part in rows]
            return torch.stack(rows)

        return Hint(
            padded([hint.places[:, None] for hint in hints], pairs)[..., 0],
            fill([hint.said for hint in hints], 0.0).float(),
            fill([hint.likely for hint in hints], self.end).long(),
            fill([hint.chances for hint in hints], 1.0),
        )


def padded(rows: Sequence[torch.Tensor], length: int) -> torch.Tensor:
    """Rows [T, N] with zeros behind them: [B, length, N]."""
    return torch.stack([F.pad(row, (0, 0, 0, length - len(row))) for row in rows])


def shown(audio: torch.Tensor, hidden: float = HIDDEN) -> torch.Tensor:
    """[B, S, 1] False for a share of the frames [B, S, ...], which is hidden in runs."""
    clips, frames = audio.shape[:2]
    runs = torch.rand(clips, frames // RUN + 1) > hidden
    return runs.repeat_interleave(RUN, 1)[:, :frames, None]
