import numpy as np
import pytest
import torch


@pytest.fixture
def window(listener, speech):
    return listener.encoder.encode(speech)[0]


def test_equals_transformers(listener, hub_whisper, window):
    tokens = torch.tensor([[50_257, 50_362, 40, 41, 42]])
    decoder = listener.decoder
    with torch.no_grad():
        theirs = hub_whisper.decoder(
            input_ids=tokens, encoder_hidden_states=window[None]
        ).last_hidden_state
        whole, looks, _ = decoder.step(tokens, decoder.start(window[None]))
        _, _, state = decoder.step(tokens[:, :2], decoder.start(window[None]))
        rest, _, _ = decoder.step(tokens[:, 2:], state)
    torch.testing.assert_close(whole, theirs, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(rest, theirs[:, 2:], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(looks.sum(-1), torch.ones(1, 5))


@pytest.mark.parametrize("kept", [0, 1, 5, 99])
def test_a_draft_never_changes_the_result(listener, window, kept):
    plain = listener.decoder.transcribe(window)
    draft = [*plain.tokens[:kept], 77]
    again = listener.decoder.transcribe(window, draft)
    assert again.tokens == plain.tokens
    torch.testing.assert_close(again.states, plain.states, atol=1e-4, rtol=1e-4)
    assert len(plain.states) == len(plain.tokens) + 1


def test_a_loop_ends(listener, window):
    assert len(listener.decoder.transcribe(window).tokens) <= listener.decoder.limit(len(window))


def test_a_batch_equals_one_by_one(listener, speech):
    clips = [speech, speech[:9000], speech[3000:20_000]]
    found = [
        listener.decoder.transcribe(w, behind=listener.behind)
        for w in (listener.encoder.encode(clip)[0] for clip in clips)
    ]
    windows = [listener.encoder.encode(clip)[0] for clip in clips]
    padded = torch.stack([torch.cat([w, listener.silence[len(w) :]]) for w in windows])
    batch = listener.decoder.transcribe_batch(
        listener.decoder.start(padded), [len(w) for w in windows]
    )
    for one, other in zip(found, batch, strict=True):
        assert one.tokens == other.tokens
        torch.testing.assert_close(one.looks, other.looks, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(one.log_probs, other.log_probs, atol=1e-4, rtol=1e-4)
        assert one.no_speech == pytest.approx(other.no_speech, rel=1e-3)


def test_what_is_heard_fits_together(listener, speech):
    state = listener.encoder.feed(speech, listener.encoder.start())
    hearing = listener.hear(state)
    heard = listener.transcription(hearing)
    assert heard.wide.shape == (len(heard.path), 52)
    assert len(heard.words) == len(hearing.transcripts[0].tokens) + 1
    assert np.all(np.diff(heard.path.numpy()) >= 0)


def test_log_probabilities_are_those_of_the_chosen_tokens(listener, window):
    decoder = listener.decoder
    found = decoder.transcribe(window, behind=listener.behind)
    logits = torch.nn.functional.linear(found.states, decoder.embed_tokens.weight)
    chosen = torch.tensor(found.tokens)
    expected = logits.log_softmax(-1)[torch.arange(len(chosen)), chosen]
    assert len(found.log_probs) == len(found.tokens) + 1
    torch.testing.assert_close(found.log_probs[:-1], expected, atol=0.02, rtol=0)
    drafted = decoder.transcribe(window, found.tokens, listener.behind)
    torch.testing.assert_close(drafted.log_probs, found.log_probs, atol=1e-3, rtol=1e-3)
    assert drafted.no_speech == pytest.approx(found.no_speech, rel=1e-3)
