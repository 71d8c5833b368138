"""The tokens of a text in the sound: CTC through the language model's own table.

What the projector gives the language model is scored against the embeddings of all tokens. So where
a token is heard the model is given nearly the embedding that reading it gives, and writing begins
as copying; attention need not find by itself which sound is which token, for which there are too
few hours of speech. Where none is heard it is given the embedding of the audio mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.drax.vocabulary import plain
from antiphon.training.loop import Losses

SHARP = 15.0
"""Score of a token whose very embedding is given."""
SILENT = 0.55
"""Share of tokens of sound at which no token of text is heard."""
EDGE = 8
"""Tokens of silence before and after what is said, at most."""
WORST = 0.6
"""Share of tokens that are misheard at most."""
ROUGH = 0.3
"""How far from the embedding what is given may be, as a share of its deviation."""


def labels(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a text as it sounds: without case and punctuation."""
    found: list[int] = tokenizer.encode(f" {plain(text)}", add_special_tokens=False) if text else []
    return found


class Labels(nn.Module):
    """The part of a model that hears: its audio tower and projector.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        blank: token of no label.
    """

    def __init__(self, model: Any, blank: int) -> None:
        super().__init__()
        self.tower, self.projector = model.model.audio_tower, model.model.multi_modal_projector
        self.table = [model.get_input_embeddings()]  # in a list: it is not learnt
        self.blank = blank

    def log_probs(self, sounds: Sequence[torch.Tensor]) -> torch.Tensor:
        """Log probabilities [B, N, tokens] of the tokens in projected sounds [N, hidden]."""
        table = self.table[0].weight.detach()
        sharp = SHARP / table.square().sum(-1).mean()
        padded = nn.utils.rnn.pad_sequence(list(sounds), batch_first=True)
        return (sharp * (padded @ table.T)).log_softmax(-1)

    def losses(self, sounds: Sequence[torch.Tensor], said: Sequence[Sequence[int]]) -> Losses:
        """CTC of labels in projected sounds [N, hidden]."""
        device = sounds[0].device
        lengths, counts = ([len(each) for each in part] for part in (sounds, said))
        text = torch.tensor([token for row in said for token in row], device=device)
        loss = F.ctc_loss(
            self.log_probs(sounds).transpose(0, 1), text,
            torch.tensor(lengths), torch.tensor(counts), self.blank, zero_infinity=True,
        )  # fmt: skip
        return {"loss": loss}

    @torch.no_grad()
    def read(self, sound: torch.Tensor) -> list[int]:
        """The likeliest labels in a projected sound [N, hidden]."""
        best = self.log_probs([sound])[0].argmax(-1).unique_consecutive()
        return [token for token in best.tolist() if token != self.blank]


def imagined(
    said: Sequence[int], pool: torch.Tensor, table: torch.Tensor, blank: int,
    rng: np.random.Generator,
) -> torch.Tensor:  # fmt: skip
    """What the language model could be given [N, hidden] for labels that nobody has spoken.

    A share of them is misheard: left out, doubtful or wrong, or another comes before.

    Args:
        said: the labels.
        pool: [M] labels of other texts, for which these are taken.
        table: [tokens, hidden] embeddings.
        blank: token of no label.
        rng: draws everything.
    """
    share = WORST * rng.random() ** 2
    heard = [blank] * int(rng.integers(EDGE))
    other = list(heard)
    sure = [1.0] * len(heard)

    def add(token: int, doubt: int, weight: float) -> None:
        gap = int(rng.geometric(1 - SILENT)) - 1
        heard.extend([token] + [blank] * gap)
        other.extend([doubt] + [blank] * gap)
        sure.extend([weight] + [1.0] * gap)

    for token in said:
        wrong = int(pool[int(rng.integers(len(pool)))])
        kind = rng.random() if rng.random() < share else 1.0
        if kind < 0.15:
            add(wrong, blank, 1 - rng.random() / 2)
        if 0.15 <= kind < 0.3:
            add(token, blank, rng.random() / 2)
        elif kind < 1:
            add(token, wrong, rng.random())
        else:
            add(token, blank, 1 - 0.3 * rng.random())
    edge = [blank] * int(1 + rng.integers(EDGE))
    weights = torch.tensor([*sure, *[1.0] * len(edge)]).to(table)[:, None]
    first, second = table[[*heard, *edge]], table[[*other, *edge]]
    given = weights * first + (1 - weights) * second
    noise = torch.from_numpy(rng.normal(size=given.shape)).to(given)
    return given + ROUGH * rng.random() * noise * table.std()
