"""Both stages learn a toy language from states that spell it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from toy_drax import LETTERS, Letters, clip, prepare, tiny

from antiphon.recognition.drax.checkpoint import load_small
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.recognizer import averaged
from antiphon.training.jobs.drax import job
from antiphon.training.jobs.drax.averaged import Averaged
from antiphon.training.jobs.drax.batches import Batches
from antiphon.training.jobs.drax.losses import decoder_losses, slipped, unaided


@pytest.fixture
def toy(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_both_stages_learn_a_toy_language(toy, tmp_path):
    out = tmp_path / "out"
    assert job.train(toy, out, middle_steps=100, steps=80, seed=1)
    middle, decoder = rows(toy / "middle"), rows(toy / "decoder")
    assert middle[-1]["loss"] < 0.3 * middle[0]["loss"]
    assert decoder[-1]["flow"] < 0.7 * decoder[0]["flow"]  # half of the clips are not told
    assert decoder[-1]["held_out.wer_1"] < 30
    assert decoder[-1]["held_out.wer_4"] < 15

    model, whisper = load_small(out)
    assert whisper == job.WHISPER and model.end == len(LETTERS)


def test_the_first_end_mark_counts_and_the_filling_hardly(toy):
    torch.manual_seed(0)
    model, letters = tiny().eval(), cast(Any, Letters())
    batches = Batches([clip(i) for i in range(40)], letters, model.end, 96)
    batch = batches.draw(3, 0)
    assert (batch.text.gather(1, batch.counts[:, None]) == model.end).all()
    again = batches.draw(3, 0)
    assert torch.equal(batch.audio, again.audio) and torch.equal(batch.text, again.text)
    assert not torch.equal(batch.text, batches.draw(4, 0).text)
    losses = decoder_losses(model, batch, MixturePath())
    assert torch.isfinite(losses["loss"])


def test_without_hints_the_middle_learns_along(toy):
    torch.manual_seed(0)
    model, letters = tiny(), cast(Any, Letters())
    batches = Batches([clip(i) for i in range(40)], letters, model.end, 96)
    joint = decoder_losses(model, batches.draw(3, 0), MixturePath())
    joint["loss"].backward()
    assert joint.keys() == {"loss", "flow", "middle", "ctc"}
    assert model.middle.proj.weight.grad is not None

    batches.listen(model, toy / "hints.pt")
    alone = decoder_losses(model, batches.draw(3, 0), MixturePath())
    assert alone.keys() == {"loss", "flow"} and torch.isfinite(alone["loss"])
    again = Batches([clip(i) for i in range(40)], letters, model.end, 96)
    again.listen(model, toy / "hints.pt")  # from the file
    for one, other in zip(batches.rows, again.rows, strict=True):
        assert one.hint and other.hint and torch.equal(one.hint.likely, other.hint.likely)
    with torch.no_grad():
        model.middle.proj.weight.copy_(torch.randn_like(model.middle.proj.weight))
    again.listen(model, toy / "hints.pt")  # a middle that has learnt hears anew
    pairs = [(one.hint, other.hint) for one, other in zip(batches.rows, again.rows, strict=True)]
    assert any(not torch.equal(a.likely, b.likely) for a, b in pairs if a and b)


def test_a_canvas_that_is_left_alone_tells_only_what_was_read(toy):
    torch.manual_seed(0)
    model, letters = tiny().eval(), cast(Any, Letters())
    batches = Batches([clip(i) for i in range(40)], letters, model.end, 96)
    batch = batches.draw(3, 0)
    clips = len(batch.text)
    memory = model.decoder.listen(averaged(batch.audio))
    memory = replace(memory, draft=torch.full_like(batch.text, 5))
    noisy, keep = torch.full_like(batch.text, 7), torch.zeros_like(batch.text, dtype=torch.bool)
    keep[:, 0] = True
    alone, time = torch.arange(clips) % 2 == 0, torch.ones(clips)
    left, after = unaided(model, batch, noisy, memory, time, keep, alone)
    assert after.draft is not None
    assert torch.equal(left[alone], after.draft[alone])  # at the end all of it was read
    assert (left[~alone] == 7).all() and (after.draft[~alone] == 5).all()
    assert torch.equal(left[alone][:, 0], batch.text[alone][:, 0])
    early, _ = unaided(model, batch, noisy, memory, 0 * time, keep, alone)
    assert len(early[alone].unique()) > 4  # noise


def test_places_slip_by_one_from_somewhere_on():
    torch.manual_seed(0)
    places = torch.arange(20.0).expand(200, -1)
    off = slipped(places) - places
    assert set(off.unique().tolist()) == {-1.0, 0.0, 1.0}
    assert 0.02 < float((off != 0).any(1).float().mean()) < 0.3
    assert (off.diff(dim=1) != 0).sum(1).max() == 1


def test_the_average_follows_the_weights_and_changes_places_with_them():
    model = tiny()
    average = Averaged(model)
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    for _ in range(200):
        average.update()
    kept = {name: value.clone() for name, value in model.named_parameters()}
    average.swap()
    weight = model.decoder.vocab_embed.weight
    assert 0 < float(weight.detach().abs().max()) < 1e-2
    average.swap()
    assert all(torch.equal(kept[name], value) for name, value in model.named_parameters())
