import torch

from antiphon.compute.rounded_head import RoundedHead


def test_what_is_likely_is_exact_and_the_rest_is_near():
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(5000, 48, generator=generator)
    states = torch.randn(2, 3, 48, generator=generator)
    exact = states @ weight.T

    logits = RoundedHead(weight)(states)

    assert logits.shape == exact.shape
    assert torch.equal(logits.argmax(-1), exact.argmax(-1))
    torch.testing.assert_close(logits.amax(-1), exact.amax(-1))
    torch.testing.assert_close(logits.topk(8).indices, exact.topk(8).indices)
    assert (logits - exact).abs().max() < 0.02 * exact.std() * 48**0.5


def test_a_small_vocabulary_is_exact():
    weight, states = torch.randn(7, 32), torch.randn(2, 32)
    torch.testing.assert_close(RoundedHead(weight)(states), states @ weight.T)


def test_it_is_as_exact_where_everything_else_is_half_as_precise():
    weight, states = torch.randn(200, 32), torch.randn(4, 32)
    with torch.autocast("cpu", torch.bfloat16):
        logits = RoundedHead(weight)(states.bfloat16())
    torch.testing.assert_close(logits.amax(-1), (states.bfloat16().float() @ weight.T).amax(-1))
