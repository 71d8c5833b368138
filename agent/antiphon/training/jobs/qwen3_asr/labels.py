"""The tokens of a text in the sound, through the language model's own table.

What the projector gives the language model is scored by its distance from the embeddings of all
tokens, and drawn to that of what is said; as long as CTC says nothing of when, to their mean by
these scores. So where a token is heard the model is given nearly
the embedding that reading it gives, and writing begins as copying; attention need not find by
itself which sound is which token, for which there are too few hours of speech. Where none is heard
it is given the embedding of the audio mark. Scores alone do not draw it there: it then was four
times as long as an embedding, and the language model wrote hardly better than without it.

Which of ten tokens of sound should say a token of text is left open by CTC, so that it needs long
to be learned. Once it has found about where each is said, all tokens of sound around there are told
which it is, as in hidden Markov models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.alignment.viterbi import runs
from antiphon.recognition.drax.vocabulary import plain
from antiphon.training.loop import Losses

SHARP = 20.0
"""How much less a token scores where another's embedding is given, at right angles to its own."""
SILENT = (0.5, 0.85)
"""Share of tokens of sound at which no new token of text is heard: least and most of a text."""
NEAR = 5.0
"""Weight of the distance from the embedding of what is said."""
REACH = 8
"""Tokens of sound before and behind its middle that say a token of text, at most."""
EDGE = 16
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
        squares = table.square().sum(-1)
        padded = nn.utils.rnn.pad_sequence(list(sounds), batch_first=True)
        return (SHARP / squares.mean() * (padded @ table.T - squares / 2)).log_softmax(-1)

    def off(self, given: torch.Tensor, meant: torch.Tensor) -> torch.Tensor:
        """How far vectors [N, hidden] are from others, as a share of an embedding's mean square."""
        size = self.table[0].weight.detach().square().sum(-1).mean()
        return (given - meant).square().sum(-1).mean() / size

    def ctc_losses(self, sounds: Sequence[torch.Tensor], said: Sequence[Sequence[int]]) -> Losses:
        """CTC of labels in projected sounds [N, hidden], for each label."""
        device = sounds[0].device
        lengths, counts = ([len(each) for each in part] for part in (sounds, said))
        text = torch.tensor([token for row in said for token in row], device=device)
        scores = self.log_probs(sounds)
        loss = F.ctc_loss(
            scores.transpose(0, 1), text,
            torch.tensor(lengths), torch.tensor(counts), self.blank,
            reduction="sum", zero_infinity=True,
        )  # fmt: skip
        # By all labels together: a clip without any must not count as much as all the others.
        loss = loss / max(1, len(text))
        inside = torch.cat([row[:length] for row, length in zip(scores, lengths, strict=True)])
        off = self.off(torch.cat(list(sounds)), inside.exp() @ self.table[0].weight.detach())
        return {"loss": loss + off, "ctc": loss, "off": off}

    def losses(self, sounds: Sequence[torch.Tensor], said: Sequence[Sequence[int]]) -> Losses:
        """Cross-entropy of what each token of projected sounds [N, hidden] says."""
        scores = self.log_probs(sounds)
        wanted = torch.full(scores.shape[:2], -100)
        for row, sound, text, into in zip(scores, sounds, said, wanted, strict=True):
            known = row[: len(sound)].detach().float().cpu().numpy()
            into[: len(sound)] = torch.tensor(
                framewise(runs(known, list(text), self.blank), text, len(sound), self.blank)
            )
        wanted = wanted.to(scores.device)
        loss = F.nll_loss(scores.flatten(0, 1), wanted.flatten())
        known, table = wanted >= 0, self.table[0].weight.detach()
        given = nn.utils.rnn.pad_sequence(list(sounds), batch_first=True)
        off = self.off(given[known], table[wanted[known]])
        return {"loss": loss + NEAR * off, "labels": loss, "off": off}

    @torch.no_grad()
    def read(self, sound: torch.Tensor) -> list[int]:
        """The likeliest labels in a projected sound [N, hidden]."""
        best = self.log_probs([sound])[0].argmax(-1).unique_consecutive()
        return [token for token in best.tolist() if token != self.blank]


def framewise(
    places: Sequence[tuple[int, int]], text: Sequence[int], count: int, blank: int
) -> list[int]:
    """What each of so many tokens of sound says.

    Args:
        places: first and last of them that say each token of the text; empty: it does not fit.
        text: tokens.
        count: tokens of sound.
        blank: token of no label.

    Returns:
        Of every token of sound its label, or -100 where nothing is known. A label reaches as far
        before its middle as behind it: else it would move from one alignment to the next.
    """
    if text and not places:
        return [-100] * count
    found = [blank] * count
    middles = [(first + last) // 2 for first, last in places]
    for i, (label, middle) in enumerate(zip(text, middles, strict=True)):
        beside = [
            abs(middle - other) for other in (*middles[max(0, i - 1) : i], *middles[i + 1 : i + 2])
        ]
        reach = min([REACH, *((distance - 1) // 2 for distance in beside)])
        first = max(0, middle - reach)
        found[first : middle + reach + 1] = [label] * len(found[first : middle + reach + 1])
    return found


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
    share, silent = WORST * rng.random() ** 2, rng.uniform(*SILENT)
    heard = [blank] * int(rng.integers(EDGE))
    other = list(heard)
    sure = [1.0] * len(heard)

    def add(token: int, doubt: int, weight: float) -> None:
        gap = int(rng.geometric(1 - silent)) - 1
        long = 1 + int(rng.integers(gap + 1))
        heard.extend([token] * long + [blank] * (1 + gap - long))
        other.extend([doubt] * long + [blank] * (1 + gap - long))
        sure.extend([weight] * long + [1.0] * (1 + gap - long))

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
