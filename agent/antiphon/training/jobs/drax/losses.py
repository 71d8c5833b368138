"""What Drax learns by: CTC for its middle, cross-entropy on the path for its decoder.

The decoder's loss is the paper's (Navon et al., arXiv 2510.04162, eq. 5, 8 and 9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.recognition.drax.checkpoint import DraxModel
from antiphon.recognition.drax.middle import ctc_loss
from antiphon.recognition.drax.model import Memory
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.recognizer import averaged
from antiphon.training.jobs.drax.batches import Batch, shown

OTHERS = 1024
"""Tokens beside a batch's own that CTC tells them from; each stands for many."""
FILLING = 0.1
"""Weight of the end marks that fill the canvas behind the first."""
KEPT = 0.3
"""Share of clips of which a true prefix is kept, so that drafts can go on from one."""
SILENT = 0.05
"""Share of clips whose audio is dropped (classifier-free guidance)."""
UNSURE, SLIPPED = 0.1, 0.05
"""Share of positions at which what is heard is hidden, and of clips whose places are one too far
or too near from somewhere on: the middle knows the clips that it learnt from too well."""
ALONE = 0.6
"""Share of those that are told whose canvas is what the sampler would have left (`unaided`)."""
TOLD, MISREAD = 0.6, 0.15
"""Share of clips of which the decoder is told what the middle hears, and of tokens that are wrong
in the text that it reads of the others, as Whisper's decoder did: so it forgets less of that."""
CTC = 1.0
"""Weight of the middle's CTC while both learn."""


def middle_losses(model: DraxModel, batch: Batch) -> Mapping[str, torch.Tensor]:
    """CTC of the middle alone: a batch's tokens against some others, a part of the sound hidden."""
    audio = batch.audio * shown(batch.audio)
    with mixed_precision():
        states = model.middle.read(audio, batch.heard)
    return {"loss": sampled_ctc(model, states, batch)}


def sampled_ctc(model: DraxModel, states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """CTC over the tokens of a batch and `OTHERS`, which count for all that are left out."""
    known = torch.zeros(model.end + 1, dtype=torch.bool)
    known[batch.text] = True
    left = (~known[:-1]).nonzero()[:, 0]
    mine = known[:-1].nonzero()[:, 0]
    others = left[torch.randperm(len(left))[:OTHERS]]
    columns = torch.cat([mine, others])
    correction = torch.zeros(len(columns))
    correction[len(mine) :] = float(np.log(max(1, len(left)) / max(1, len(others))))
    places = torch.zeros(model.end + 1, dtype=torch.long)
    places[columns] = torch.arange(len(columns))
    with mixed_precision():
        log_probs = model.middle.log_probs(states, columns, correction)
    return ctc_loss(log_probs, batch.lengths, places[batch.text], batch.counts)


def decoder_losses(model: DraxModel, batch: Batch, path: MixturePath) -> Mapping[str, torch.Tensor]:
    """The decoder at random times of the path, and the middle unless it has given hints."""
    clips, length = batch.text.shape
    spots = torch.arange(length)[None]
    kept = torch.rand(clips) < KEPT
    share = torch.rand(clips) * kept
    keep = spots < (share * batch.counts)[:, None]
    told = torch.rand(clips) < TOLD
    time = torch.rand(clips) * told
    losses = dict[str, torch.Tensor]()
    if batch.hint is not None:
        places, said = slipped(batch.hint.places), batch.hint.said
        draft = batch.hint.likely[..., 0]
        drawn = torch.multinomial(batch.hint.chances.flatten(0, 1), 1).view(clips, length, 1)
        guessed = batch.hint.likely.gather(-1, drawn)[..., 0]
        noisy = path.mix(batch.text, guessed, time, model.end + 1, keep)
    else:
        guess = model.middle(batch.audio, batch.heard)
        # A clip of which the middle counts too many or too few tokens teaches it by CTC alone:
        # elsewhere its frames stand for other positions, and would unlearn what they say.
        counted = guess.count.round() == batch.counts
        log_probs = guess.positions(length)
        log_probs = torch.where(counted[:, None, None], log_probs, log_probs.detach())
        noisy = path.draw(batch.text, log_probs, time, keep)
        at = (spots < batch.counts[:, None]) & counted[:, None]
        missed = -log_probs.gather(-1, batch.text[..., None])[..., 0]
        losses["middle"] = (missed * at).sum() / at.sum().clamp(min=1)
        losses["ctc"] = sampled_ctc(model, guess.states, batch)
        places, said, draft = guess.places, guess.said(length).detach(), guess.draft(length)
    audible = (torch.rand(clips) >= SILENT)[:, None, None]
    unsure = torch.rand(clips, length) < torch.where(told, UNSURE, MISREAD)[:, None]
    said = said * (told[:, None] & ~unsure)[..., None]
    draft = torch.where(told[:, None], draft, batch.text)
    draft = torch.where(unsure, torch.randint(model.end, draft.shape), draft)
    audio = averaged(batch.audio) * shown(batch.audio) * audible
    with mixed_precision():
        memory = model.decoder.listen(audio, places, said * audible, draft)
        if batch.hint is not None:
            alone = told & (torch.rand(clips) < ALONE)
            noisy, memory = unaided(model, batch, noisy, memory, time, keep, alone)
        logits = model.decoder(noisy, time, memory, batch.heard, keep).float()
    weight = torch.where(spots > batch.counts[:, None], FILLING, 1.0) * ~keep
    weight = weight / weight.sum()
    flow = (F.cross_entropy(logits.transpose(1, 2), batch.text, reduction="none") * weight).sum()
    loss = flow + sum((CTC if name == "ctc" else 1.0) * each for name, each in losses.items())
    return {"loss": loss, "flow": flow, **losses}


@torch.no_grad()
def unaided(
    model: DraxModel, batch: Batch, noisy: torch.Tensor, memory: Memory,
    time: torch.Tensor, keep: torch.Tensor, alone: torch.Tensor,
) -> tuple[torch.Tensor, Memory]:  # fmt: skip
    """Some clips as the sampler would leave them at a time: no token is there because it is right.

    On the path a token of the canvas tells the text; while texts are drawn it only tells what the
    decoder has read before. One that has learnt from the path alone believes its own mistakes.

    Args:
        model: whose decoder reads.
        batch: the clips.
        noisy: [B, L] their tokens on the path.
        memory: of the decoder.
        time: [B].
        keep: [B, L] True where the text stays.
        alone: [B] which clips.

    Returns:
        Tokens, and the memory with what was read as the draft of these clips.
    """
    assert memory.draft is not None
    noise = torch.where(keep, batch.text, torch.randint(model.end + 1, noisy.shape))
    logits = model.decoder(noise, torch.zeros_like(time), memory, batch.heard, keep)
    first = torch.where(keep, batch.text, logits.argmax(-1))
    left = torch.where(torch.rand(noisy.shape) < time[:, None], first, noise)
    draft = torch.where(alone[:, None], first, memory.draft)
    return torch.where(alone[:, None], left, noisy), replace(memory, draft=draft)


def slipped(places: torch.Tensor) -> torch.Tensor:
    """Places [B, S], some of them from a random position on one too many or too few."""
    clips = len(places)
    start = torch.rand(clips, 1) * places.amax(1, keepdim=True)
    way = torch.randint(2, (clips, 1)) * 2 - 1
    here = (torch.rand(clips, 1) < SLIPPED) & (places > start)
    return places + way * here
