from __future__ import annotations

import pytest
import torch

from antiphon.recognition.drax.middle import CtcMiddle, MiddleConfig, ctc_loss, cut

BLANK = 5


def spoken(*labels):
    """Log probabilities [1, S, 6] of frames that say these labels surely."""
    probs = torch.full((1, len(labels), 6), 0.001)
    for t, label in enumerate(labels):
        probs[0, t, label] = 0.995
    return (probs / probs.sum(-1, keepdim=True)).log()


def guessed(log_probs, begins=(True,) * 5):
    text, speaking = log_probs.exp()[..., :-1], 1 - log_probs.exp()[..., -1]
    at = (speaking > 0.02).nonzero(as_tuple=True)
    return cut(text, speaking, at, text[at] / speaking[at][:, None], torch.tensor(begins))


def test_a_run_of_frames_is_one_token():
    guess = guessed(spoken(BLANK, 2, 2, 2, BLANK, 2, BLANK, 1))
    assert float(guess.count) == pytest.approx(3, abs=0.1)
    best = guess.positions(6).argmax(-1)[0].tolist()
    assert best == [2, 2, 1, BLANK, BLANK, BLANK]  # what is left is the end mark
    assert guess.draft(6)[0].tolist() == best


def test_every_frame_knows_its_position():
    guess = guessed(spoken(BLANK, 0, BLANK, BLANK, 1, BLANK, 3))
    at = {label: float(guess.places[0, t]) for t, label in ((1, 0), (4, 1), (6, 3))}
    assert at == pytest.approx({0: 0.5, 1: 1.5, 3: 2.5}, abs=0.1)


def test_what_is_said_at_a_position_is_read_from_its_own_frames():
    guess = guessed(spoken(BLANK, 0, BLANK, BLANK, 1, BLANK, 3))
    said = guess.said(4)[0]  # states are the labels' probabilities here
    assert said.argmax(-1)[:3].tolist() == [0, 1, 3] and (said[3] == 0).all()


def test_labels_of_some_tokens_are_those_of_all_if_they_are_all():
    torch.manual_seed(0)
    model = CtcMiddle(MiddleConfig(audio=8, vocabulary=5, width=16, heads=2)).eval()
    states = model.read(torch.randn(1, 6, 8))
    torch.testing.assert_close(
        model.log_probs(states, torch.arange(5)), model.log_probs(states), atol=1e-5, rtol=1e-5
    )
    total = model.log_probs(states).exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_of_a_run_the_likeliest_label_is_said():
    probs = spoken(BLANK, 0, 1, BLANK).exp()
    probs[0, 1] = torch.tensor([0.4, 0.0, 0.0, 0.0, 0.0, 0.6])
    guess = guessed(probs.clamp(min=1e-6).log())
    assert float(guess.count) == 1 and int(guess.positions(1).argmax(-1)) == 1


def test_a_piece_that_continues_a_word_may_follow_at_once():
    begins = (True, False, True, False, True)
    said = guessed(spoken(BLANK, 0, 1, 1, 3, BLANK), begins).positions(3).argmax(-1)[0]
    assert said.tolist() == [0, 1, 3]


def test_a_known_text_has_a_frame_for_each_token():
    torch.manual_seed(0)
    model = CtcMiddle(MiddleConfig(audio=8, vocabulary=5, width=16, heads=2)).eval()
    audio = torch.randn(1, 12, 8)
    found = model.aligned(audio, [3, 3, 0])
    assert found is not None and float(found.count) == 3
    assert found.at[1].tolist() == sorted(found.at[1].tolist())
    assert found.at[1][1] - found.at[1][0] >= 2  # the same label twice needs a gap
    assert found.said(4).shape == (1, 4, 16) and (found.said(4)[0, 3] == 0).all()
    assert model.aligned(audio[:, :2], [1, 2, 3, 4]) is None


def test_unsure_frames_give_unsure_positions():
    both = torch.full((1, 3, 6), 1e-4)
    both[0, 0, BLANK] = both[0, 2, BLANK] = 1.0
    both[0, 1, 0], both[0, 1, 1] = 0.7, 0.3
    guess = guessed((both / both.sum(-1, keepdim=True)).log())
    first = guess.positions(2)[0, 0].exp()
    assert float(first[0]) == pytest.approx(0.7, abs=0.01)
    assert float(first[1]) == pytest.approx(0.3, abs=0.01)


def test_positions_are_distributions_and_gradients_reach_the_head():
    torch.manual_seed(0)
    model = CtcMiddle(MiddleConfig(audio=8, vocabulary=5, width=16, heads=2)).eval()
    guess = model(torch.randn(2, 12, 8))
    found = guess.positions(7)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 7), atol=1e-3, rtol=0)
    assert torch.isfinite(found).all()
    found[..., 0].sum().backward()
    assert model.head.weight.grad is not None and model.head.weight.grad.abs().sum() > 0


def test_what_is_behind_the_audio_is_not_heard():
    torch.manual_seed(0)
    model = CtcMiddle(MiddleConfig(audio=8, vocabulary=5, width=16, heads=2)).eval()
    audio = torch.randn(1, 9, 8)
    longer = torch.cat([audio, torch.randn(1, 6, 8)], 1)
    heard = torch.arange(15)[None] < 9
    alone, padded = model(audio), model(longer, heard)
    torch.testing.assert_close(padded.count, alone.count, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(padded.positions(6), alone.positions(6), atol=1e-3, rtol=1e-3)


def test_ctc_falls_as_the_text_gets_likelier():
    text, counts, lengths = torch.tensor([[2, 1]]), torch.tensor([2]), torch.tensor([4])
    right = ctc_loss(spoken(BLANK, 2, BLANK, 1), lengths, text, counts)
    wrong = ctc_loss(spoken(BLANK, 3, BLANK, 1), lengths, text, counts)
    assert right < 0.1 < wrong
