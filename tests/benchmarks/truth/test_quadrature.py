"""Nodes and weights: the mass is one, and moments are those that the laws have."""

import math

import pytest
import torch
from torch.distributions import Beta, Exponential, Gamma, LogNormal, Normal, Uniform, constraints

from benchmarks.truth.quadrature import NODES, quadrature_nodes


def t(*values):
    return torch.tensor(values, dtype=torch.float64)


CASES = {  # distribution, E x, E x²
    "line": (Normal(t(1.0, -300.0), t(1.0, 1e-3)), t(1.0, -300.0), t(2.0, 90_000.000001)),
    "half line": (Exponential(t(0.5, 4.0)), t(2.0, 0.25), t(8.0, 0.125)),
    "singular at its end": (Gamma(t(0.5), t(2.0)), t(0.25), t(0.75 / 4)),
    "skewed": (LogNormal(t(0.0), t(1.0)), t(math.exp(0.5)), t(math.exp(2.0))),
    "interval": (Uniform(t(-1.0), t(3.0)), t(1.0), t(28 / 12)),
    "singular at both": (Beta(t(0.5), t(0.5)), t(0.5), t(0.375)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_mass_and_the_moments(name):
    dist, mean, square = CASES[name]
    x, log_weight = quadrature_nodes(dist)
    assert x.shape == log_weight.shape == (NODES, *dist.batch_shape)
    assert (dist.support.check(x) | (log_weight == -math.inf)).all()
    mass = (dist.log_prob(x) + log_weight).exp().nan_to_num(0.0)
    terms = {"mass": mass, "mean": mass * x, "square": mass * x.square()}
    terms = {what: torch.where(mass > 0, term, 0.0).sum(0) for what, term in terms.items()}
    torch.testing.assert_close(terms["mass"], torch.ones_like(mean), rtol=0, atol=1e-7)
    torch.testing.assert_close(terms["mean"], mean, rtol=1e-7, atol=0)
    torch.testing.assert_close(terms["square"], square, rtol=1e-7, atol=0)


def test_a_support_without_a_lower_end_has_no_nodes():
    class Below(Normal):
        support = constraints.less_than(0.0)

    assert quadrature_nodes(Below(t(0.0), t(1.0))) == (None, None)


def test_no_random_number_is_taken_from_outside():
    before = torch.get_rng_state()
    first, _ = quadrature_nodes(Normal(t(0.0), t(1.0)))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, quadrature_nodes(Normal(t(0.0), t(1.0)))[0])
