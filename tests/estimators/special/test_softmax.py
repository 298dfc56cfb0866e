"""The softmax of few classes is torch's."""

import pytest
import torch

from estimators.special import softmax as quick
from estimators.special.softmax import softmax

DOUBLE = torch.float64


@pytest.fixture(params=[0, 16])
def lanes(request, monkeypatch):
    """Numbers in a vector of the processor: none that is known, or those of AVX-512."""
    monkeypatch.setattr(quick, "_LANES", request.param)
    return request.param


@pytest.mark.parametrize("shape", [(2048, 2), (3, 1024, 10), (4096, 1), (512, 16), (10,), (0, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_values_and_derivatives_are_those_of_torch(lanes, shape, dtype):
    z = (30 * torch.randn(shape, dtype=dtype)).requires_grad_()
    way = torch.randn(shape, dtype=dtype)
    ours, theirs = softmax(z), z.softmax(-1)
    torch.testing.assert_close(ours, theirs)
    for own, their in zip(_derivatives(ours, z, way), _derivatives(theirs, z, way), strict=True):
        torch.testing.assert_close(own, their)


def test_numbers_without_bounds_give_what_torch_gives(lanes):
    inf, nan = torch.inf, torch.nan
    rows = [[-inf, 0, 1], [-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1], [1e308, -1e308, 0]]
    z = torch.tensor(rows, dtype=DOUBLE).repeat(1000, 1).requires_grad_()
    ours, theirs = softmax(z), z.softmax(-1)
    torch.testing.assert_close(ours, theirs, equal_nan=True)
    way = torch.ones(5000, 3, dtype=DOUBLE).cumsum(-1)
    for own, their in zip(_derivatives(ours, z, way), _derivatives(theirs, z, way), strict=True):
        torch.testing.assert_close(own, their, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_torch_s_derivative(lanes, dtype):
    z = torch.zeros(2048, 10, dtype=dtype, requires_grad=True)
    way = torch.full_like(z, 1e4)
    (ours,) = torch.autograd.grad(softmax(z), z, way)
    (theirs,) = torch.autograd.grad(z.softmax(-1), z, way)
    assert torch.equal(ours, theirs)
    assert ours.isfinite().all()


@pytest.mark.filterwarnings("ignore:`torch.jit.script")  # of forward mode
def test_it_is_transformed_as_torch_s_is(lanes):
    z = torch.randn(2, 2048, 3, dtype=DOUBLE)
    torch.testing.assert_close(torch.func.vmap(softmax)(z), z.softmax(-1))
    _, ours = torch.func.jvp(softmax, (z,), (z.cos(),))
    _, theirs = torch.func.jvp(lambda z: z.softmax(-1), (z,), (z.cos(),))
    torch.testing.assert_close(ours, theirs)


def _derivatives(y, z, way):
    (first,) = torch.autograd.grad(y, z, way, create_graph=True)
    return first, *torch.autograd.grad(first, z, way, retain_graph=True)
