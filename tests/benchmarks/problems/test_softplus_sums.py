"""Sums of softplus agree with those of numbers one by one, with and without a derivative."""

import pytest
import torch
from torch.func import vmap
from torch.nn.functional import softplus

from benchmarks.problems.softplus_sums import FACTORS, MOST, sum_of_softplus


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0, 1e4])
@pytest.mark.parametrize("size", [1, FACTORS, MOST, MOST + 1, 3 * MOST])
@pytest.mark.parametrize("minus", [False, True])
def test_it_is_the_sum_of_logarithms(dtype, scale, size, minus):
    x = scale * torch.randn(7, size, dtype=dtype)
    exact = torch.logaddexp(x.double(), x.double().new_zeros(())).sum(-1)
    found = sum_of_softplus(-x if minus else x, minus)
    eps = 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(found.double(), exact, rtol=eps, atol=eps)
    torch.testing.assert_close(vmap(sum_of_softplus)(x), sum_of_softplus(x))


def test_large_numbers_of_one_sign_are_themselves_or_nothing():
    x = torch.full((200,), 800.0)
    assert float(sum_of_softplus(x)) == 160_000
    assert float(sum_of_softplus(-x)) == 0
    assert float(sum_of_softplus(x.double()[:64], minus=True)) == 0
    assert float(sum_of_softplus(-x.double()[:64], minus=True)) == 51_200


def test_products_that_lose_digits_are_not_used():
    x = torch.full((3, FACTORS), 45.9, dtype=torch.float64)  # Π σ(−x) = 1e-319 has four digits
    x[1] = 0.5
    assert float(sum_of_softplus(x)[0]) == pytest.approx(45.9 * FACTORS, rel=1e-15)


def test_a_row_has_the_same_bits_whatever_the_others_are():
    x = torch.randn(200, 3 * FACTORS, dtype=torch.float64)
    before = sum_of_softplus(x)
    x[7], x[8, 0] = 1000.0, torch.nan
    after = sum_of_softplus(x)
    assert torch.equal(after[:7], before[:7])
    assert torch.equal(after[9:], before[9:])
    assert float(after[7]) == 1000 * 3 * FACTORS
    assert after[8].isnan()


def test_it_leaves_what_it_is_given_as_it_is():
    x = torch.randn(5, 9)
    before = x.clone()
    sum_of_softplus(x)
    assert torch.equal(x, before)


def test_its_derivative_is_that_of_softplus():
    x = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    ours, theirs = sum_of_softplus(x), softplus(x).sum(-1)
    torch.testing.assert_close(ours, theirs)
    (found,) = torch.autograd.grad(ours.sum(), x)
    torch.testing.assert_close(found, x.detach().sigmoid())


def test_infinite_and_large_numbers_beside_small_ones():
    x = torch.tensor([[-torch.inf, 1.0], [torch.inf, 0.0], [-1e8, 5.0], [torch.nan, 0.0]])
    torch.testing.assert_close(
        sum_of_softplus(x), softplus(x, threshold=1e3).sum(-1), equal_nan=True
    )
    assert float(sum_of_softplus(torch.zeros(64, dtype=torch.float16))) == pytest.approx(44.4, 0.01)
