"""The compiled loop finds how gamma numbers move with torch's bits, and gives way elsewhere."""

import pytest
import torch
from torch.distributions import Gamma

from benchmarks import Problem, c_loops, measure
from benchmarks.machine import compiled_gammas
from estimators.special import gamma_beta, loops
from estimators.special.gamma_beta import gamma_derivative

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
ALPHA = torch.tensor([1e-3, 0.1, 0.7, 1.0, 2.5, 40.0, 1e4], dtype=torch.float64)
SHAPES = {
    "one for all": ALPHA[3].expand(50, 40),
    "in turn": ALPHA.expand(5, 100, 7),
    "of two axes": ALPHA[:6].view(3, 2).expand(60, 3, 2),
    "columns": ALPHA[:, None].expand(7, 12),
    "all different": torch.linspace(0.1, 9, 1200, dtype=torch.float64).view(100, 12),
    "every other": torch.stack([ALPHA, ALPHA], 1)[:, 0],
    "every other in turn": torch.stack([ALPHA, ALPHA], 1)[:, 0].expand(5, 7),
    "none": ALPHA.expand(0, 7),
    "in single precision": ALPHA.float().expand(100, 7),
}


@pytest.fixture(autouse=True)
def as_before():
    loops.bring(gamma_derivatives=None)
    yield
    loops.bring(gamma_derivatives=None)


def counted():
    calls = []

    def loop(*given):
        calls.append(given[0].shape)
        compiled_gammas.gamma_derivatives(*given)

    compiled_gammas.use()
    assert loops.brought("gamma_derivatives") is compiled_gammas.gamma_derivatives
    loops.bring(gamma_derivatives=loop)
    return calls


@pytest.mark.parametrize(("name", "alpha"), SHAPES.items(), ids=SHAPES)
def test_the_bits_are_torchs(name, alpha):
    torch.manual_seed(0)
    x = torch._standard_gamma(alpha)
    torchs, calls = gamma_derivative(alpha, x), counted()
    assert torch.equal(gamma_derivative(alpha, x), torchs)
    assert bool(calls) == (name not in ("columns", "none", "in single precision"))


def test_the_ends_and_what_is_no_number_are_torchs():
    x = torch.tensor([0.0, 5e-324, 1e-300, 1.0, 3.0, 1e3, 1e300, torch.inf, torch.nan, -1.0])
    x = x.double()[:, None] * torch.ones_like(ALPHA)
    x[4] = ALPHA + 0.5
    alpha = ALPHA.clone()
    alpha[0] = torch.nan
    torchs, calls = gamma_derivative(alpha, x), counted()
    ours = gamma_derivative(alpha, x)
    torch.testing.assert_close(ours, torchs, rtol=0, atol=0, equal_nan=True)
    assert calls


def test_what_does_not_lie_in_one_piece_is_left_to_torch():
    x = torch._standard_gamma(ALPHA.expand(30, 7)).t().contiguous().t()
    torchs, calls = gamma_derivative(ALPHA, x), counted()
    assert torch.equal(gamma_derivative(ALPHA, x), torchs)
    assert torch.equal(torch.vmap(gamma_derivative, (None, 0))(ALPHA, x), torchs)
    assert not calls


def test_another_torchs_bits_are_never_replaced(monkeypatch):
    by_torch = gamma_beta.by_grid_sample
    monkeypatch.setattr(compiled_gammas, "by_grid_sample", lambda *given: by_torch(*given) * 1.1)
    compiled_gammas.use()
    assert loops.brought("gamma_derivatives") is None


def test_a_concentration_that_lies_apart_is_measured_right():
    p = torch.tensor([[0.5, 1.0], [2.0, 0.7], [4.0, 3.0]], dtype=torch.float64)
    problem = Problem("apart", {"p": p}, lambda p: Gamma(p[..., 0], p[..., 1]), lambda x: x)
    assert measure(problem, "implicit", 2, 5000, timed=False).bias_verdict == "unbiased"
