"""Routing: chosen gates sum to one, even use has the least balance loss, computing all is exact."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from antiphon.recognition.mome.experts import PACE, Experts, Mixture, MixtureConfig, Pass


def woken(mixture: Mixture) -> Mixture:
    with torch.no_grad():
        for value in mixture.parameters():
            value.normal_()
    return mixture


@st.composite
def configs(draw):
    routed = draw(st.integers(1, 9))
    return MixtureConfig(
        routed=routed,
        shared=draw(st.integers(0, 2)),
        top_k=draw(st.integers(1, routed)),
        bottleneck=draw(st.integers(1, 4)),
        routers=draw(st.sampled_from(["shared", "rate"])),
    )


@settings(deadline=None, max_examples=40)
@given(config=configs(), seed=st.integers(0, 99))
def test_the_chosen_gates_sum_to_one_and_the_others_are_nothing(config, seed):
    torch.manual_seed(seed)
    mixture = woken(Mixture(8, config, 3))
    x = torch.randn(2, 5, 8)
    with Pass(2) as now:
        gates = mixture.gates(x)
    torch.testing.assert_close(gates.sum(-1), torch.ones(2, 5))
    assert ((gates > 0).sum(-1) <= config.top_k).all()
    (use,) = now.uses
    torch.testing.assert_close(use.sum(), torch.tensor(1.0))
    assert float(now.balance.detach()) > 0


@settings(deadline=None, max_examples=40)
@given(config=configs(), seed=st.integers(0, 99))
@torch.no_grad()
def test_all_experts_at_once_are_what_the_chosen_ones_give(config, seed):
    torch.manual_seed(seed)
    mixture = woken(Mixture(8, config, 3))
    experts, b = mixture.experts, config.bottleneck
    x = torch.randn(1, 4, 8)

    def expert(n: int, one: torch.Tensor) -> torch.Tensor:
        part = slice(n * b, (n + 1) * b)
        inner = F.gelu(experts.down.weight[part] @ one + experts.down.bias[part])
        return experts.up.weight[:, part] @ inner + experts.up_bias[n]

    with Pass(1):
        found = mixture(x)
    router = mixture.router[1 if config.routers == "rate" else 0]
    for t in range(4):
        one = x[0, t]
        best, chosen = (router @ one).topk(config.top_k)
        expected = sum(expert(config.routed + n, one) for n in range(config.shared))
        expected = expected + sum(
            gate * expert(int(n), one) for gate, n in zip(best.softmax(-1), chosen, strict=True)
        )
        torch.testing.assert_close(found[0, t], PACE * expected, atol=1e-4, rtol=1e-4)


def test_the_balance_is_one_if_even_and_grows_with_the_share_of_few():
    even = torch.full((1, 8, 4), 0.25)
    with Pass() as fair:
        fair.count(even, torch.arange(8).view(1, 8, 1) % 4)
    assert float(fair.balance) == pytest.approx(1)
    greedy = torch.tensor([0.97, 0.01, 0.01, 0.01]).expand(1, 8, 4)
    with Pass() as unfair:
        unfair.count(greedy, torch.zeros(1, 8, 1, dtype=torch.long))
    assert float(unfair.balance) == pytest.approx(4 * 0.97)


def test_the_balance_pushes_what_is_used_too_much():
    logits = torch.tensor([2.0, 1.0, 0.0], requires_grad=True)
    with Pass() as now:
        now.count(logits.softmax(-1).expand(1, 4, 3), torch.zeros(1, 4, 1, dtype=torch.long))
    now.balance.backward()
    most, _, least = logits.grad.tolist()
    assert most > 0 > least


def test_padding_is_not_counted():
    real = torch.tensor([[True, True, False]])
    with Pass(real=real) as now:
        now.count(torch.full((1, 3, 2), 0.5), torch.tensor([[[0], [0], [1]]]))
    assert now.uses[0].tolist() == [1.0, 0.0]


def test_a_mixture_begins_as_nothing_and_counts_what_a_token_needs():
    config = MixtureConfig(routed=23, shared=1, top_k=4, bottleneck=12)
    mixture = Mixture(3072, config)
    assert not mixture(torch.randn(1, 3, 3072)).any()
    # With 28 layers of Llama 3.2 3B these are the 12.7 M of the paper's table.
    assert round(28 * mixture.active() / 1e6, 1) == 12.7


def test_experts_without_routing_and_routing_without_shared_ones():
    x = torch.randn(1, 3, 8)
    for config in (MixtureConfig(0, 2, 0, 3), MixtureConfig(4, 0, 2, 3), MixtureConfig(4, 1, 0, 3)):
        assert woken(Mixture(8, config))(x).shape == x.shape
    for wrong in ((3, 1, 4, 2), (0, 0, 0, 2), (3, 1, 2, 0)):
        with pytest.raises(ValueError, match=r"top_k|expert"):
            MixtureConfig(*wrong)


def test_passes_of_sessions_do_not_mix():
    with Pass(1) as outer:
        with Pass(2):
            assert Pass.current().scale == 2
        assert Pass.current() is outer
    assert Pass.current().scale == 0
    assert Experts(2, 4, 3)(torch.ones(1, 4), torch.ones(1, 2)).shape == (1, 4)
