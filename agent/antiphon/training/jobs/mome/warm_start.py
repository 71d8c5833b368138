"""Projectors that already say the tokens that are spoken, before the language model is asked.

    loss = - sum over windows and tokens of (share of the window) log softmax(cosines / temperature)

It takes a thousandth of the language model's work, and all variants begin with the same projectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional as F

from antiphon.recognition.mome.model import MomeModel, pooled
from antiphon.training.jobs.mome.batches import Row, hidden

OTHERS = 1024
"""Tokens beside a batch's own that are told apart from them."""
TEMPERATURE = 0.05
"""Of cosines."""


def warm_losses(model: MomeModel, rows: Sequence[Row], rate: int) -> Mapping[str, torch.Tensor]:
    """How far the vectors of sounds at a rate are from the tokens that are spoken in them."""
    model.scale(rate)
    table = model.llm.get_input_embeddings().weight
    own = sorted({token for row in rows for token in row.tokens} - {model.end})
    drawn = torch.randint(table.shape[0], (OTHERS,)).tolist()
    candidates = [model.end, *own, *sorted({*drawn} - {model.end, *own})]
    places = {token: i for i, token in enumerate(candidates[: 1 + len(own)])}
    sounds, wanted = [], []
    for row in rows:
        said = torch.tensor([*(places[token] for token in row.tokens), 0])
        each = F.one_hot(said[row.spoken], 1 + len(own)).float()  # -1 is the last: nothing is said
        sounds.append(pooled(hidden(row.frames), rate))
        wanted.append(pooled(each, rate))
    vectors = model.projectors[str(rate)](torch.cat(sounds).to(model.device))
    known = table[torch.tensor(candidates, device=table.device)].float()
    cosines = F.normalize(vectors.float(), dim=-1) @ F.normalize(known, dim=-1).T
    logs = (cosines / TEMPERATURE).log_softmax(-1)[:, : 1 + len(own)]
    target = torch.cat(wanted).to(logs)
    right = (logs.argmax(-1) == target.argmax(-1)).float().mean()
    return {"loss": -(target * logs).sum(-1).mean(), "right": right.detach()}
