"""A fresh Drax is the Whisper decoder it is made of."""

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
    frames = listener.encoder.whole(speech)[None]
    text = torch.tensor([[2, 0, 5, 1, 4]])
    read = torch.tensor([decoder.prompt + [kept[i] for i in text[0, :-1]]])
    states, _, _ = decoder.step(read, decoder.start(frames))
    rows = decoder.embed_tokens.weight[[*kept, decoder.end]]
    expected = F.linear(states[:, len(decoder.prompt) - 1 :], rows)
    found = model.decoder(text, torch.tensor([0.0]), model.decoder.listen(frames))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)  # gelu is the tanh one


@torch.no_grad()
def test_at_first_the_draft_is_read_and_later_the_canvas(listener, speech):
    model = warm_start(listener.decoder, VOCABULARY).eval()
    frames = listener.encoder.whole(speech)[None]
    places = torch.linspace(0, 5, frames.shape[1])[None]
    said = torch.zeros(1, 5, frames.shape[2])
    text, noise = torch.tensor([[2, 0, 5, 1, 4]]), torch.tensor([[3, 3, 1, 0, 2]])

    def logits(tokens, draft, time):
        memory = model.decoder.listen(frames, places, said, draft)
        return model.decoder(tokens, torch.tensor([time]), memory)

    torch.testing.assert_close(logits(noise, text, 0.0), logits(text, text, 0.0))
    torch.testing.assert_close(logits(text, noise, 1.0), logits(text, text, 1.0))
    assert not torch.allclose(logits(text, noise, 0.0), logits(text, text, 0.0), atol=0.1)
    short = logits(noise, text[:, :3], 0.0)  # what is not heard is taken for the end
    ended = logits(noise, torch.cat([text[:, :3], torch.full((1, 2), model.end)], 1), 0.0)
    torch.testing.assert_close(short, ended)


@torch.no_grad()
def test_what_is_heard_and_where_matters_once_it_is_told(listener, speech):
    model = warm_start(listener.decoder, VOCABULARY).eval()
    frames = listener.encoder.whole(speech)[None]
    places = torch.linspace(0, 4, frames.shape[1])[None]
    text = torch.tensor([[2, 0, 5, 1]])
    heard = model.decoder.vocab_embed.weight[[3, 3, 3, 3]][None]

    def logits(*told):
        return model.decoder(text, torch.tensor([0.5]), model.decoder.listen(frames, *told))

    silent = torch.zeros_like(heard)
    assert not torch.allclose(logits(), logits(places), atol=1e-3)
    more = logits(places, 9 * heard) - logits(places, silent)
    assert (more[..., :6].argmax(-1) == 3).all()
