"""Products in few bits stay close to those of the weights they were made of."""

import pytest
import torch
from safetensors.torch import save_file

from antiphon.compute.onnx_graph import GROUP
from antiphon.llm.cpu.decoder_graph import HEAD, head_session, packed_product
from antiphon.llm.cpu.quantized import (
    Weights,
    eight_bits,
    for_layers,
    four_bit_error,
    four_bits,
    smallest,
)


@pytest.fixture
def multiply(tmp_path):
    """Multiplies [N, in] with what was kept."""

    def product(weights: Weights, x: torch.Tensor) -> torch.Tensor:
        save_file(packed_product("head", weights), tmp_path / HEAD)
        session = head_session(tmp_path, x.shape[1], 1)
        return torch.from_numpy(session.run(None, {"x": x[None].numpy()})[0][0])

    return product


def sixteen_steps(rows: int = 64, groups: int = 3) -> torch.Tensor:
    """Weights that a format of four bits with groups of 32 can hold, as Q4_K's can."""
    generator = torch.Generator().manual_seed(0)
    steps = torch.randint(0, 16, (rows, groups, GROUP), generator=generator)
    steps[..., :2] = torch.tensor([0, 15])
    scale = torch.rand(rows, groups, 1, generator=generator) + 0.5
    return (scale * steps - 4 * scale).flatten(1)


def bits(weights: Weights) -> int:
    return 8 * weights["weight"].shape[2] // GROUP


def test_eight_bits_have_a_scale_of_every_group(multiply) -> None:
    weight = torch.zeros(3, 64)
    weight[0, :2], weight[0, 32] = torch.tensor([1000.0, -1000.0]), 0.001
    weight[1, :2] = torch.tensor([0.001, 0.002])
    x = torch.zeros(2, 64)
    x[0, :2], x[1, 32] = torch.tensor([1.0, 0.5]), 1.0
    expected = torch.tensor([[500.0, 0.002, 0.0], [0.001, 0.0, 0.0]])
    torch.testing.assert_close(multiply(eight_bits(weight), x), expected, rtol=0.02, atol=1e-6)


def test_weights_that_came_in_four_bits_stay_what_they_were() -> None:
    weight = sixteen_steps()
    assert four_bit_error(weight) < 1e-5
    assert bits(smallest(weight)) == 4


def test_a_model_that_came_in_four_bits_is_kept_in_them_whole() -> None:
    came, more = sixteen_steps(), torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
    assert bits(for_layers([came, came, more])(more)) == 4
    assert bits(for_layers([came, more])(more)) == 8
    assert bits(for_layers([came, more])(came)) == 4
    assert bits(for_layers([came])(torch.randn(8, 40))) == 8  # a row of a group and a quarter


def test_weights_that_four_bits_would_hurt_are_kept_in_eight() -> None:
    weight = torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
    assert four_bit_error(weight) > 0.05
    assert bits(smallest(weight)) == 8


def test_rows_without_whole_groups_are_kept_in_eight_bits() -> None:
    assert bits(smallest(torch.zeros(64, 80))) == 8


@pytest.mark.parametrize("offset", [-40, -3.3, 0, 7.5, 60])
def test_offsets_that_are_no_whole_steps_and_far_from_zero_are_kept(multiply, offset) -> None:
    weight = sixteen_steps(rows=5) + offset
    x = torch.rand(3, 96, generator=torch.Generator().manual_seed(2))
    expected = x @ weight.T
    assert (multiply(four_bits(weight), x) - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("steps", [1, 5, 25])
@pytest.mark.parametrize("inputs", [32, 96, 576])
def test_four_bits_multiply_like_the_weights(multiply, steps, inputs) -> None:
    weight = sixteen_steps(groups=inputs // GROUP)
    x = torch.randn(steps, inputs, generator=torch.Generator().manual_seed(1))
    expected = x @ weight.T
    found = multiply(four_bits(weight), x)
    assert found.shape == (steps, 64) and found.dtype == torch.float32
    assert (found - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("inputs", [16, 48, 576])
def test_eight_bits_multiply_like_the_weights(multiply, inputs) -> None:
    generator = torch.Generator().manual_seed(4)
    weight, x = (torch.randn(n, inputs, generator=generator) for n in (40, 3))
    expected = x @ weight.T
    assert (multiply(eight_bits(weight), x) - expected).norm() < 0.02 * expected.norm()
