"""The path against its formulae (arXiv 2510.04162, appendices B and C.1)."""

from __future__ import annotations

import pytest
import torch

from antiphon.recognition.drax.path import MixturePath

PATH, STRAIGHT = MixturePath(), MixturePath(middle=False)
TIMES = torch.linspace(0.02, 0.98, 49, dtype=torch.float64)


def test_the_published_weights():
    k = PATH.weights(TIMES)
    torch.testing.assert_close(k.target, TIMES**2)
    torch.testing.assert_close(k.middle, TIMES ** (2 / 3) * (1 - TIMES**2))
    torch.testing.assert_close(k.source, (1 - TIMES ** (2 / 3)) * (1 - TIMES**2))


@pytest.mark.parametrize("path", [PATH, STRAIGHT])
def test_weights_are_probabilities_from_noise_to_text(path):
    k = path.weights(torch.linspace(0, 1, 33, dtype=torch.float64))
    torch.testing.assert_close(sum(k), torch.ones(33, dtype=torch.float64))
    assert all((part >= 0).all() for part in k)
    assert k.source[0] == 1 and k.target[-1] == 1


def test_the_middle_is_likeliest_halfway():
    middle = PATH.weights(torch.linspace(0, 1, 1001, dtype=torch.float64)).middle
    assert int(middle.argmax()) == pytest.approx(500, abs=1)
    at_half = [float(part) for part in PATH.weights(torch.tensor(0.5))]
    assert at_half == pytest.approx([0.278, 0.473, 0.25], abs=0.001)


@pytest.mark.parametrize("path", [PATH, STRAIGHT])
def test_slopes_are_the_numerical_derivative(path):
    step = 1e-6
    above, below = path.weights(TIMES + step), path.weights(TIMES - step)
    for slope, a, b in zip(path.slopes(TIMES), above, below, strict=True):
        torch.testing.assert_close(slope, (a - b) / (2 * step), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("path", [PATH, STRAIGHT])
def test_the_velocity_moves_the_distribution_as_the_path_does(path):
    torch.manual_seed(1)
    noise, guess, text = torch.rand(3, 7, dtype=torch.float64).softmax(-1)
    k = path.weights(TIMES)
    here = k.source[:, None] * noise + k.middle[:, None] * guess + k.target[:, None] * text
    v = path.velocity(TIMES)
    flow = v.target[:, None] * text + v.middle[:, None] * guess + v.here[:, None] * here
    step = 1e-6
    a, b = path.weights(TIMES + step), path.weights(TIMES - step)
    parts = [(x - y) / (2 * step) for x, y in zip(a, b, strict=True)]
    moved = sum(d[:, None] * p for d, p in zip(parts, (noise, guess, text), strict=True))
    torch.testing.assert_close(flow, moved, atol=1e-5, rtol=1e-4)
    assert (v.target >= 0).all() and (v.middle >= -1e-12).all()


def test_two_ways_sample_at_the_published_rate():
    v = STRAIGHT.velocity(TIMES)
    torch.testing.assert_close(v.target, 1 / (1 - TIMES))
    torch.testing.assert_close(v.here, -1 / (1 - TIMES))


@pytest.mark.parametrize("time", [0.1, 0.5, 0.9])
def test_drawn_tokens_follow_the_weights(time):
    torch.manual_seed(2)
    count, vocabulary = 40_000, 50
    text = torch.full((1, count), 7)
    guess = torch.full((1, count, vocabulary), -20.0)
    guess[..., 3] = 0.0
    ids = PATH.draw(text, guess.log_softmax(-1), torch.tensor([time])).argmax(-1)
    k = PATH.weights(torch.tensor(time))
    noise = float(k.source) / vocabulary
    assert float((ids == 7).float().mean()) == pytest.approx(float(k.target) + noise, abs=0.01)
    assert float((ids == 3).float().mean()) == pytest.approx(float(k.middle) + noise, abs=0.01)


def test_kept_tokens_are_never_touched_and_gradients_reach_the_guess_alone():
    torch.manual_seed(3)
    text = torch.randint(9, (4, 30))
    logits = torch.randn(4, 30, 9, requires_grad=True)
    keep = torch.zeros(4, 30, dtype=torch.bool)
    keep[:, :11] = True
    drawn = PATH.draw(text, logits.log_softmax(-1), torch.full((4,), 0.4), keep)
    torch.testing.assert_close(drawn.sum(-1), torch.ones(4, 30))
    assert torch.equal(drawn.argmax(-1)[keep], text[keep])
    (drawn * torch.randn(9)).sum().backward()
    assert logits.grad is not None
    assert (logits.grad[keep] == 0).all() and (logits.grad[~keep] != 0).any()


@pytest.mark.parametrize("time", [0.1, 0.5, 0.9])
def test_what_a_settled_middle_guessed_is_mixed_by_the_same_weights(time):
    torch.manual_seed(2)
    count, vocabulary = 40_000, 50
    text, guessed = torch.full((1, count), 7), torch.full((1, count), 3)
    keep = torch.arange(count)[None] < 100
    ids = PATH.mix(text, guessed, torch.tensor([time]), vocabulary, keep)
    assert (ids[keep] == 7).all()
    k = PATH.weights(torch.tensor(time))
    noise = float(k.source) / vocabulary
    assert float((ids == 7).float().mean()) == pytest.approx(float(k.target) + noise, abs=0.01)
    assert float((ids == 3).float().mean()) == pytest.approx(float(k.middle) + noise, abs=0.01)
