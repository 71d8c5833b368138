"""Products in few bits stay close to those of the weights they were made of."""

import pytest
import torch

from antiphon.llm.cpu import quantized
from antiphon.llm.cpu.int4_linear import GROUP, Int4Linear, int4_error
from antiphon.llm.cpu.quantized import FEW, SOME, Int8Linear, int8, kept_as, restored, smallest


@pytest.fixture(autouse=True)
def _small_ones_count_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantized, "LARGE", 0)


def test_an_int8_row_keeps_its_scale() -> None:
    weight = torch.zeros(3, 16)
    weight[0, :2], weight[1, :2] = torch.tensor([1000.0, -1000.0]), torch.tensor([0.001, 0.002])
    x = torch.zeros(1, 16)
    x[0, :2] = torch.tensor([1.0, 0.5])
    expected = torch.tensor([[500.0, 0.002, 0.0]])
    torch.testing.assert_close(Int8Linear.of(weight)(x), expected, rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("steps", [FEW + 1, SOME + 5])
def test_many_steps_at_once_give_what_single_ones_do(
    monkeypatch: pytest.MonkeyPatch, steps: int, whole: bool
) -> None:
    monkeypatch.setattr(quantized, "WHOLE", whole)
    torch.manual_seed(0)
    weight, x = torch.randn(32, 48), torch.randn(steps, 48)
    product = int8(weight)
    single = torch.cat([product(row[None]) for row in x])
    torch.testing.assert_close(product(x), single, atol=0.15, rtol=0.02)


def test_int8_refuses_widths_its_kernel_cannot_take() -> None:
    with pytest.raises(ValueError, match="20 inputs"):
        Int8Linear.of(torch.zeros(4, 20))


def sixteen_steps(rows: int = 64, groups: int = 3) -> torch.Tensor:
    """Weights that a format of four bits with groups of 32 can hold, as Q4_K's can."""
    generator = torch.Generator().manual_seed(0)
    steps = torch.randint(0, 16, (rows, groups, GROUP), generator=generator)
    steps[..., :2] = torch.tensor([0, 15])
    scale = torch.rand(rows, groups, 1, generator=generator) + 0.5
    return (scale * steps - 4 * scale).flatten(1)


def test_weights_that_came_in_four_bits_stay_what_they_were() -> None:
    weight = sixteen_steps()
    assert int4_error(weight) < 1e-5
    assert isinstance(smallest(weight), Int4Linear)


def test_weights_that_four_bits_would_hurt_are_kept_in_eight() -> None:
    weight = torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
    assert int4_error(weight) > 0.05
    assert isinstance(smallest(weight), Int8Linear)


def test_small_matrices_are_kept_in_eight_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = sixteen_steps()
    monkeypatch.setattr(quantized, "LARGE", weight.numel() + 1)
    assert isinstance(smallest(weight), Int8Linear)


def test_rows_without_whole_groups_are_kept_in_eight_bits() -> None:
    assert isinstance(smallest(torch.zeros(64, 80)), Int8Linear)


@pytest.mark.parametrize("offset", [-40, -3.3, 0, 7.5, 60])
def test_offsets_that_are_no_whole_steps_and_far_from_zero_are_kept(offset: float) -> None:
    weight = sixteen_steps(rows=5) + offset
    x = torch.rand(3, 96, generator=torch.Generator().manual_seed(2))
    expected = x @ weight.T
    assert (Int4Linear.of(weight)(x) - expected).norm() < 0.02 * expected.norm()


def test_steps_shared_out_among_threads_give_what_one_thread_does() -> None:
    product = Int4Linear.of(sixteen_steps()).product()
    x = torch.randn(13, 96, generator=torch.Generator().manual_seed(3))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        together = product(x)
    finally:
        torch.set_num_threads(threads)
    single = torch.cat([product(row[None]) for row in x])
    torch.testing.assert_close(together, single, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("steps", [1, FEW + 1, SOME + 5])
def test_four_bits_multiply_like_the_weights(steps: int) -> None:
    weight = sixteen_steps()
    x = torch.randn(steps, 96, generator=torch.Generator().manual_seed(1))
    expected = x @ weight.T
    found = Int4Linear.of(weight)(x)
    assert found.shape == (steps, 64) and found.dtype == torch.float32
    assert (found - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("inputs", [16, 48, 576])
def test_eight_bits_multiply_like_the_weights(inputs: int) -> None:
    generator = torch.Generator().manual_seed(4)
    weight, x = (torch.randn(n, inputs, generator=generator) for n in (40, 3))
    expected = x @ weight.T
    assert (int8(weight)(x) - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("kind", [Int4Linear, Int8Linear])
def test_a_product_comes_back_from_its_file(kind) -> None:
    weight = sixteen_steps()
    product = kind.of(weight)
    x = torch.randn(1, 96)
    again = restored(kept_as(product, "head"), "head")
    assert torch.equal(again(x), product(x))
