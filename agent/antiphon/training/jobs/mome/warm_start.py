"""Projectors that already say the tokens that are spoken, before the language model is asked.

    loss = - sum over windows and tokens of (share of the window) log softmax(cosines / temperature)

It takes a thousandth of the language model's work, and all variants begin with the same projectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.mome.model import FRAMES_A_PICTURE, MomeModel, pooled
from antiphon.training.jobs.mome.batches import Row, hidden

OTHERS = 1024
"""Tokens beside a batch's own that are told apart from them."""
TEMPERATURE = 0.05
"""Of cosines."""


def warm_losses(model: MomeModel, rows: Sequence[Row], rate: int) -> Mapping[str, torch.Tensor]:
    """How far the vectors of sounds at a rate are from the tokens that are spoken in them."""
    model.scale(rate)
    sounds = model.contextual([hidden(row.frames) for row in rows])
    windows = [pooled(sound, rate) for sound in sounds]
    return _losses(model, model.projectors[str(rate)], windows, rows, rate)


def warm_lip_losses(model: MomeModel, rows: Sequence[Row], rate: int) -> Mapping[str, torch.Tensor]:
    """The same of lips, of rows that have them."""
    seen = [(row, pooled(row.lips.float(), rate)) for row in rows if row.lips is not None]
    windows, projector = [window for _, window in seen], model.lip_projectors[str(rate)]
    frames = rate * FRAMES_A_PICTURE
    return _losses(model, projector, windows, [row for row, _ in seen], frames)


def _losses(
    model: MomeModel,
    projector: nn.Module,
    windows: Sequence[torch.Tensor],
    rows: Sequence[Row],
    frames: int,
) -> Mapping[str, torch.Tensor]:
    """Cross-entropy of the tokens that are spoken in windows of so many frames."""
    table = model.llm.get_input_embeddings().weight
    own = sorted({token for row in rows for token in row.tokens} - {model.end})
    drawn = torch.randint(table.shape[0], (OTHERS,)).tolist()
    candidates = [model.end, *own, *sorted({*drawn} - {model.end, *own})]
    places = {token: i for i, token in enumerate(candidates[: 1 + len(own)])}
    shown, wanted = [], []
    for row, window in zip(rows, windows, strict=True):
        said = torch.tensor([*(places[token] for token in row.tokens), 0])
        each = F.one_hot(said[row.spoken], 1 + len(own)).float()  # -1 is the last: nothing is said
        target = pooled(each, frames)
        both = min(len(target), len(window))  # sound and pictures may end apart
        shown.append(window[:both])
        wanted.append(target[:both])
    with model.precision():
        vectors = projector(torch.cat(shown).to(model.device))
    known = table[torch.tensor(candidates, device=table.device)].float()
    cosines = F.normalize(vectors.float(), dim=-1) @ F.normalize(known, dim=-1).T
    logs = (cosines / TEMPERATURE).log_softmax(-1)[:, : 1 + len(own)]
    target = torch.cat(wanted).to(logs)
    right = (logs.argmax(-1) == target.argmax(-1)).float().mean()
    return {"loss": -(target * logs).sum(-1).mean(), "right": right.detach()}
