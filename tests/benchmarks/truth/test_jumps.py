"""Costs that jump are found, and costs that do not are left in peace."""

import pytest
import torch
from torch.distributions import Bernoulli, Dirichlet, Gamma, Independent, Normal

from benchmarks import Problem
from benchmarks.truth.jumps import largest_jump


def found(cost, family=lambda loc: Normal(loc, 1.0), at=0.3, size=()):
    parameters = {"loc": torch.full(size, at, dtype=torch.float64)}
    return largest_jump(Problem("jumps", parameters, family, cost))


def factors(loc):
    return Independent(Normal(loc, 1.0), 1)


JUMP = {
    "a step": (lambda x: (x > 0).to(x.dtype), 1.0),
    "a small one on a slope": (lambda x: 5 * x.square() + 0.01 * (x > 0.2), 0.01),
    "against the slope": (lambda x: 3 * x - 0.5 * (x > 0), 0.5),
    "rounding": (lambda x: x.round() + x, 1.0),
    "a branch": (lambda x: torch.where(x < 0.5, x.square(), 1.2 + 0 * x), 0.95),
}
NONE = {
    "linear": lambda x: 1e6 * x,
    "a kink": lambda x: x.abs() + x.clamp(0, 0.3),
    "a root": lambda x: x.abs().sqrt(),
    "steep": lambda x: (1e4 * x).tanh(),
    "constant": lambda x: 0 * x,
    "waves": lambda x: (200 * x).cos(),
    "in float32": lambda x: x.float().square().to(x.dtype),
}


@pytest.mark.parametrize("name", JUMP)
def test_a_jump_is_found_with_its_size(name):
    cost, size = JUMP[name]
    assert found(cost) == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize("name", NONE)
def test_what_is_continuous_does_not_jump(name):
    assert found(NONE[name]) == 0


def test_in_many_dimensions_batches_and_other_families():
    def jump(x):
        return x.square().sum(-1) + 0.3 * (x[..., 0] > 0)

    assert found(jump, factors, size=(100,)) == pytest.approx(0.3, rel=1e-3)
    assert found(lambda x: x.square().sum(-1), factors, size=(100,)) == 0
    assert found(lambda x: (x > 1).to(x.dtype), lambda loc: Gamma(1 + loc, 1.0), size=(3,)) == 1
    assert found(lambda x: x[..., 0].log(), lambda loc: Dirichlet(1 + loc), size=(4,)) == 0
    assert found(lambda x: x, lambda loc: Bernoulli(logits=loc)) == 0  # of no continuous x
