"""The letters and the pieces of words of a text in the sound.

What the projector gives the language model is scored by its distance from the vectors of all
labels, and drawn to their mean by these scores. Labels are letters at first, each with a vector at
right angles to the others'. They are soon heard: after 200 steps with 2,500 clips CTC (Graves et
al. 2006) of letters cost 5.0 nats a word, that of 1,536 pieces of words 8.5. Then they are the
pieces in which the language model writes, with the vectors of its own table: where one is heard it
is given nearly the embedding that reading it gives, and where none is that of the audio mark. So
writing begins as copying; attention need not find by itself which sound is which piece, for which
there are too few hours of speech. (Of letters it did not learn in 400 steps to write more than the
first word.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr.heard_tokens import log_probs
from antiphon.training.loop import Losses

NEAR = 1.0
"""Weight of the distance from the vectors."""
LEARNING = 3
"""Upper layers of the tower that learn; those below stay, so nothing is sent back through them."""
SILENT = (0.75, 0.93)
"""Share of tokens of sound at which no new piece is heard: least and most of a text."""
EDGE = 16
"""Tokens of silence before and after what is said, at most."""
WORST = 0.5
"""Share of pieces that are misheard at most."""
ROUGH = 0.8
"""How far from a vector what is given may be, as a share of its deviation."""


class Alphabet(Protocol):
    """Labels, and how a text is said in them."""

    @property
    def blank(self) -> int:
        """The label of what says nothing."""

    @property
    def vectors(self) -> torch.Tensor:
        """[labels, hidden], none of which is learnt with them."""

    def encode(self, text: str) -> list[int]:
        """Labels of a text as it sounds, without case and punctuation."""

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels."""


class Letters:
    """The letters, and the space between words.

    Args:
        texts: that hold all of them.
        width: of their vectors.
    """

    def __init__(self, texts: Iterable[str], width: int) -> None:
        self.blank = 0
        self.letters = ["", *sorted({letter for text in texts for letter in plain(text)})]
        self._labels = {letter: label for label, letter in enumerate(self.letters)}
        drawn = torch.empty(len(self.letters), width)
        self.vectors = nn.init.orthogonal_(drawn, generator=torch.Generator().manual_seed(0))

    def encode(self, text: str) -> list[int]:
        """Labels of a text; letters that are none are left away."""
        return [self._labels[letter] for letter in plain(text) if letter in self._labels]

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels."""
        return "".join(self.letters[label] for label in labels)


class Pieces:
    """The tokens of a language model.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        tokenizer: of its texts.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.blank = int(model.config.audio_token_id)
        self._tokenizer, self._embed = tokenizer, model.get_input_embeddings()

    @property
    def vectors(self) -> torch.Tensor:
        """The table of the language model."""
        table: torch.Tensor = self._embed.weight
        return table

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        if not text:
            return []
        found: list[int] = self._tokenizer.encode(f" {plain(text)}", add_special_tokens=False)
        return found

    def decode(self, labels: Sequence[int]) -> str:
        """The text of tokens."""
        found: str = self._tokenizer.decode(labels)
        return found


class Labels(nn.Module):
    """The part of a model that hears: its audio tower and projector.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        alphabet: the labels that it hears.
    """

    def __init__(self, model: Any, alphabet: Alphabet) -> None:
        super().__init__()
        self.tower, self.projector = model.model.audio_tower, model.model.multi_modal_projector
        self.alphabet = alphabet

    def log_probs(self, sounds: Sequence[torch.Tensor]) -> torch.Tensor:
        """Log probabilities [B, N, labels] of the labels in projected sounds [N, hidden]."""
        padded = nn.utils.rnn.pad_sequence(list(sounds), batch_first=True)
        vectors = self.alphabet.vectors.detach().to(padded.device)
        return log_probs(padded, vectors)

    def losses(self, sounds: Sequence[torch.Tensor], texts: Sequence[str]) -> Losses:
        """CTC of texts in projected sounds [N, hidden], for each label, and how far these are off.

        How far: the square of the distance from the mean of the labels' vectors by their scores, as
        a share of a vector's own.
        """
        device = sounds[0].device
        said = [self.alphabet.encode(text) for text in texts]
        lengths, counts = ([len(each) for each in part] for part in (sounds, said))
        spelled = torch.tensor([label for row in said for label in row], device=device)
        scores = self.log_probs(sounds)
        loss = F.ctc_loss(
            scores.transpose(0, 1), spelled,
            torch.tensor(lengths), torch.tensor(counts), self.alphabet.blank,
            reduction="sum", zero_infinity=True,
        )  # fmt: skip
        # By all labels together: a clip without any must not count as much as all the others.
        loss = loss / max(1, len(spelled))
        inside = torch.cat([row[:length] for row, length in zip(scores, lengths, strict=True)])
        vectors = self.alphabet.vectors.detach().to(device)
        meant = inside.detach().exp() @ vectors
        off = (torch.cat(list(sounds)) - meant).square().sum(-1).mean()
        off = off / vectors.square().sum(-1).mean()
        return {"loss": loss + NEAR * off, "ctc": loss, "off": off}

    @torch.no_grad()
    def read(self, sound: torch.Tensor) -> str:
        """The likeliest labels in a projected sound [N, hidden]."""
        best = self.log_probs([sound])[0].argmax(-1).unique_consecutive().tolist()
        return self.alphabet.decode([label for label in best if label != self.alphabet.blank])


def imagined(text: str, alphabet: Alphabet, rng: np.random.Generator) -> torch.Tensor:
    """What the language model could be given [N, hidden] for a text that nobody has spoken.

    A share of its labels is misheard: left out, doubtful or wrong, or another comes before.

    Args:
        text: empty: silence.
        alphabet: its labels.
        rng: draws everything.
    """
    vectors, blank = alphabet.vectors, alphabet.blank
    share, silent = WORST * rng.random() ** 2, rng.uniform(*SILENT)
    heard = [blank] * int(rng.integers(EDGE))
    other = list(heard)
    sure = [1.0] * len(heard)

    def add(label: int, doubt: int, weight: float) -> None:
        gap = int(rng.geometric(1 - silent)) - 1
        long = 1 + int(rng.integers(gap + 1))
        heard.extend([label] * long + [blank] * (1 + gap - long))
        other.extend([doubt] * long + [blank] * (1 + gap - long))
        sure.extend([weight] * long + [1.0] * (1 + gap - long))

    for label in alphabet.encode(text):
        wrong = int(rng.integers(len(vectors)))
        kind = rng.random() if rng.random() < share else 1.0
        if kind < 0.15:
            add(wrong, blank, 1 - rng.random() / 2)
        if 0.15 <= kind < 0.3:
            add(label, blank, rng.random() / 2)
        elif kind < 1:
            add(label, wrong, rng.random())
        else:
            add(label, blank, 1 - 0.3 * rng.random())
    edge = [blank] * int(1 + rng.integers(EDGE))
    weights = torch.tensor([*sure, *[1.0] * len(edge)]).to(vectors)[:, None]
    first, second = vectors[[*heard, *edge]], vectors[[*other, *edge]]
    given = weights * first + (1 - weights) * second
    noise = torch.from_numpy(rng.normal(size=given.shape)).to(given)
    return given + ROUGH * rng.random() * noise * vectors.std()
