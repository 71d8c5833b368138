"""A fresh Drax is the Whisper decoder it is made of, as long as it looks at nothing ahead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional as F

from antiphon.training.jobs.drax.warm_start import warm_start

VOCABULARY: Any = SimpleNamespace(kept=(5, 7, 11, 20, 32, 40), begins=[True] * 6)


@torch.no_grad()
def test_a_fresh_model_predicts_what_whisper_does(listener, speech):
    decoder = listener.decoder
    kept = VOCABULARY.kept
    model = warm_start(decoder, VOCABULARY).eval()
    for block in model.decoder.layers:
        block.ahead.fill_(-1e4)
    frames = listener.encoder.whole(speech)[None]
    text = torch.tensor([[2, 0, 5, 1, 4]])
    read = torch.tensor([decoder.prompt + [kept[i] for i in text[0, :-1]]])
    states, _, _ = decoder.step(read, decoder.start(frames))
    rows = decoder.embed_tokens.weight[[*kept, decoder.end]]
    expected = F.linear(states[:, len(decoder.prompt) - 1 :], rows)
    found = model.decoder(text, torch.tensor([0.0]), model.decoder.listen(frames))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)  # gelu is the tanh one


@torch.no_grad()
def test_tokens_ahead_and_hints_matter_once_they_are_let_in(listener, speech):
    model = warm_start(listener.decoder, VOCABULARY).eval()
    frames = listener.encoder.whole(speech)[None]
    places = torch.linspace(0, 5, frames.shape[1])[None]
    one, other = torch.tensor([[2, 0, 5, 1]]), torch.tensor([[2, 0, 5, 3]])
    time = torch.tensor([0.5])

    def first(tokens, places=None):
        return model.decoder(tokens, time, model.decoder.listen(frames, places))[0, 0]

    assert not torch.equal(first(one), first(other[:, [0, 3, 2, 1]]))
    assert not torch.equal(first(one), first(one, places))
