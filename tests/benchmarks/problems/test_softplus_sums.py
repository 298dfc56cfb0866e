"""Sums of softplus agree with those of numbers one by one, with and without a derivative."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import grad, vmap
from torch.nn.functional import softplus

from benchmarks.problems.softplus_sums import MOST, sum_of_softplus

NUMBERS = 48  # three products in double precision, six in single


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0, 1e4])
@pytest.mark.parametrize("size", [1, 8, 16, MOST, MOST + 1, 3 * MOST])
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


@pytest.mark.parametrize(("dtype", "size", "each"), [
    (torch.float64, 16, 45.9), (torch.float32, 8, 12.4)
])  # fmt: skip
def test_products_that_lose_digits_are_not_used(dtype, size, each):
    x = torch.full((3, size), each, dtype=dtype)  # Π σ(−x) is a denormal number
    x[1] = 0.5
    exact = pytest.approx(each * size, rel=8 * torch.finfo(dtype).eps)
    assert float(sum_of_softplus(x)[0]) == exact
    assert float(sum_of_softplus(x.requires_grad_()).detach()[0]) == exact


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("wanted", [False, True])
def test_a_row_has_the_same_bits_whatever_the_others_are(dtype, wanted):
    x = torch.randn(200, NUMBERS, dtype=dtype)

    def found():
        y = x.clone().requires_grad_(wanted)
        value = sum_of_softplus(y)
        slope = torch.autograd.grad(value.sum(), y)[0] if wanted else value
        return value.detach(), slope

    before = found()
    x[7], x[8, 0] = 1000.0, torch.nan
    after = found()
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one[:7], other[:7])
        assert torch.equal(one[9:], other[9:])
        assert other[8].isnan().any()
    assert float(after[0][7]) == 1000 * NUMBERS


def test_it_leaves_what_it_is_given_as_it_is():
    x = torch.randn(5, 9)
    before = x.clone()
    sum_of_softplus(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [9, NUMBERS])
@pytest.mark.parametrize("minus", [False, True])
def test_its_derivatives_are_those_of_softplus(dtype, size, minus):
    x = (5 * torch.randn(5, size)).to(dtype).requires_grad_()
    x.data[0, :4] = torch.tensor([-200.0, 200.0, torch.inf, -torch.inf])
    ours, theirs = sum_of_softplus(x, minus), softplus(-x if minus else x).sum(-1)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn(5, dtype=dtype)
    slopes = [torch.autograd.grad(s @ weight, x, create_graph=True)[0] for s in (ours, theirs)]
    torch.testing.assert_close(*slopes)
    plain = torch.autograd.grad(sum_of_softplus(x, minus) @ weight, x)[0]
    torch.testing.assert_close(plain, slopes[1])
    curves = [torch.autograd.grad(slope[1:].square().sum(), x)[0] for slope in slopes]
    torch.testing.assert_close(*curves)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # in forward mode
def test_its_derivatives_in_batches_and_under_transforms():
    x = torch.randn(5, NUMBERS, requires_grad=True)
    sums = sum_of_softplus(x)
    each = torch.autograd.grad(sums, x, torch.eye(5), is_grads_batched=True)[0]
    torch.testing.assert_close(each.sum(0), x.detach().sigmoid())
    torch.testing.assert_close(grad(lambda y: sum_of_softplus(y).sum())(x), x.detach().sigmoid())
    with torch.no_grad():
        torch.testing.assert_close(sum_of_softplus(x), sums.detach())
    with forward_ad.dual_level():
        dual = sum_of_softplus(forward_ad.make_dual(x, torch.ones_like(x)))
        tangent = forward_ad.unpack_dual(dual).tangent
    torch.testing.assert_close(tangent.detach(), x.detach().sigmoid().sum(-1))


def test_infinite_and_large_numbers_beside_small_ones():
    x = torch.tensor([[-torch.inf, 1.0], [torch.inf, 0.0], [-1e8, 5.0], [torch.nan, 0.0]])
    torch.testing.assert_close(
        sum_of_softplus(x), softplus(x, threshold=1e3).sum(-1), equal_nan=True
    )
    assert float(sum_of_softplus(torch.zeros(64, dtype=torch.float16))) == pytest.approx(44.4, 0.01)
