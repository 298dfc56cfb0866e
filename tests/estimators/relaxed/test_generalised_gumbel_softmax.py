"""Relaxed counts: their law, the cut of their support, and the binary concrete they become."""

import pytest
import torch
from torch.distributions import Bernoulli, Binomial, Categorical, Geometric, Independent, Poisson

import estimators
from benchmarks import measure, problems
from estimators.relaxed.generalised_gumbel_softmax import counts

HARD, SOFT = "generalised-gumbel-softmax-hard", "generalised-gumbel-softmax"


@pytest.mark.parametrize(
    "dist",
    [
        Poisson(torch.tensor([0.3, 7.0]).double()),
        Geometric(logits=torch.tensor([-1.0, 2.0]).double()),
        Binomial(6, torch.tensor([0.2, 0.9]).double()),
    ],
)
def test_points_hold_all_the_mass_and_hard_samples_have_the_mean(dist):
    points, log_p = counts(dist, 10.0)
    assert torch.allclose(log_p.exp().sum(0), torch.ones(2).double(), atol=1e-12)
    assert torch.allclose(points @ log_p.exp(), dist.mean, rtol=1e-3)
    torch.manual_seed(0)
    value = estimators.create(HARD).surrogate(dist, lambda x: x, 20_000)
    assert ((value - dist.mean).abs() < 4.5 * (dist.variance / 20_000).sqrt()).all()


def test_a_linear_cost_has_the_slope_of_the_relaxed_mean():
    """∂/∂rate Σ n E[softmax((log p + G) / τ)]_n, by differences under the same noise."""
    rate, step = torch.tensor(1.7).double(), 1e-5

    def value(rate):
        torch.manual_seed(1)
        return estimators.create(SOFT).surrogate(Poisson(rate), lambda x: x, 2_000)

    at = rate.clone().requires_grad_()
    (found,) = torch.autograd.grad(value(at), at)
    by_hand = (value(rate + step) - value(rate - step)) / (2 * step)
    assert torch.allclose(found, by_hand, rtol=1e-5)


def test_bernoulli_is_the_binary_concrete():
    rows = [
        measure(problems.load("bernoulli-quadratic"), name, 1, 20_000, timed=False)
        for name in (SOFT, "gumbel-softmax")
    ]
    assert rows[0].variance_low < rows[1].variance < rows[0].variance_high
    assert rows[0].scale == pytest.approx(rows[1].scale, abs=0.1)


def test_what_is_no_count_is_refused_and_long_tails_are_named():
    create = estimators.create(SOFT)
    logits = torch.zeros(3).double().requires_grad_()
    assert "no law of counts" in create.unsupported(Categorical(logits=logits))
    rate = torch.tensor(1e7).double().requires_grad_()
    assert "smaller reach" in create.unsupported(Poisson(rate))
    inside = Independent(Bernoulli(logits=logits), 1)
    assert create.unsupported(inside) is None
    with pytest.raises(ValueError, match="reach"):
        estimators.create(SOFT, reach=0.0)
