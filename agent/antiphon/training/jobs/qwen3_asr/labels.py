"""The letters and the pieces of words of a text in the sound.

Letters are scored in the tower's states (`recognition/qwen3_asr/letters.py`). They are soon heard:
after 200 steps with 2,500 clips CTC (Graves et al. 2006) of letters cost 5.0 nats a word, that of
1,536 pieces of words 8.5. So they come first, and go on when the projector learns the pieces in
which the language model writes. What it gives the language model is scored by its distance from the
vectors of all pieces, those of the language model's own table, and drawn to their mean by these
scores: where a piece is heard it is given nearly the embedding that reading it gives, and where
none is that of the audio mark. So writing begins as copying; attention need not find by itself
which sound is which piece, for which there are too few hours of speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.writing.heard_tokens import log_probs
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
    """The part of a model that hears: its audio tower, its projector, and letters.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        alphabet: the pieces that it hears.
        letters: that it hears.
    """

    def __init__(self, model: Any, alphabet: Alphabet, letters: Letters) -> None:
        super().__init__()
        self.tower, self.projector = model.model.audio_tower, model.model.multi_modal_projector
        self.alphabet, self.letters = alphabet, letters

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
        said, scores = [self.alphabet.encode(text) for text in texts], self.log_probs(sounds)
        lengths = [len(sound) for sound in sounds]
        loss = ctc(scores, lengths, said, self.alphabet.blank)
        inside = torch.cat([row[:length] for row, length in zip(scores, lengths, strict=True)])
        vectors = self.alphabet.vectors.detach().to(scores.device)
        meant = inside.detach().exp() @ vectors
        off = (torch.cat(list(sounds)) - meant).square().sum(-1).mean()
        off = off / vectors.square().sum(-1).mean()
        return {"loss": loss + NEAR * off, "ctc": loss, "off": off}

    def letter_losses(self, states: Sequence[torch.Tensor], texts: Sequence[str]) -> Losses:
        """CTC of texts in states [N, width] of the tower, for each letter."""
        scores = self.letters(nn.utils.rnn.pad_sequence(list(states), batch_first=True))
        said = [self.letters.encode(text) for text in texts]
        return {"loss": ctc(scores, [len(state) for state in states], said, self.letters.blank)}

    @torch.no_grad()
    def read_letters(self, state: torch.Tensor) -> str:
        """The likeliest letters in states [N, width] of the tower."""
        best = self.letters(state).argmax(-1).unique_consecutive().tolist()
        return self.letters.decode([label for label in best if label != self.letters.blank])

    @torch.no_grad()
    def read(self, sound: torch.Tensor) -> str:
        """The likeliest pieces in a projected sound [N, hidden]."""
        best = self.log_probs([sound])[0].argmax(-1).unique_consecutive().tolist()
        return self.alphabet.decode([label for label in best if label != self.alphabet.blank])


def ctc(
    scores: torch.Tensor, lengths: Sequence[int], said: Sequence[Sequence[int]], blank: int
) -> torch.Tensor:
    """CTC of labels for each of them.

    By all labels together: a clip without any must not count as much as all the others.

    Args:
        scores: [B, N, labels] log probabilities.
        lengths: how many of N are the clip's own.
        said: labels of each clip.
        blank: that of what says nothing.
    """
    spelled = torch.tensor([label for row in said for label in row], device=scores.device)
    loss = F.ctc_loss(
        scores.transpose(0, 1), spelled,
        torch.tensor(lengths), torch.tensor([len(row) for row in said]), blank,
        reduction="sum", zero_infinity=True,
    )  # fmt: skip
    return loss / max(1, len(spelled))


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
