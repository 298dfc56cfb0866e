"""Antithetic pairs and sets of Bernoullis: exact means and variances."""

import pytest
from one_bernoulli import bernoulli, holds, means, moments, sigmoid, two_hundred

from benchmarks.statistics.intervals import variance_interval

PAIRS = [  # t, logit, gradient, variance of ARM and DisARM with one pair
    (0.45, 0.0, 0.025, 2.08333e-4, 0.0),
    (0.45, -2.0, 0.010499359, 3.549767e-4, 3.521537e-4),
    (0.499, 0.0, 0.0005, 8.33333e-8, 0.0),
    (0.499, -2.0, 2.0998717e-4, 1.419907e-7, 1.408615e-7),
]


@pytest.mark.parametrize(("t", "logits", "gradient", "arm", "disarm"), PAIRS)
def test_antithetic_pairs(t, logits, gradient, arm, disarm):
    problem = bernoulli(t, logits)
    assert holds(moments(problem, "arm", 2), arm, gradient)
    assert holds(moments(problem, "disarm", 2), disarm, gradient)
    assert holds(moments(problem, "arms", 2), disarm, gradient)  # the same at K = 2
    assert holds(moments(problem, "disarm", 6), disarm / 3, gradient)


@pytest.mark.parametrize("samples", [3, 4, 6])
@pytest.mark.parametrize("logits", [-2.0, 0.7])
def test_antithetic_sets_repel_as_much_as_their_correction_says(samples, logits):
    """corr(b_j, b_k) = (P(both rare) − m²) / pq: a wrong copula gives another bias."""
    problem = bernoulli(0.45, logits)
    p = sigmoid(logits)
    whole = moments(problem, "arms", samples)
    assert means(whole, 0.1 * p * (1 - p))
    assert (
        variance_interval(whole).high
        < variance_interval(moments(problem, "reinforce-loo", samples)).low
    )


def test_two_hundred_bernoullis():
    """K = 2, mean over the dimensions: DisARM 1.24375e-9, exact mean 6.21875e-10."""
    problem = two_hundred()

    def mean_cost(dist):
        p = dist.base_dist.probs
        return (p * 0.501**2 + (1 - p) * 0.499**2).mean(-1)

    assert holds(moments(problem, "disarm", 2, 20_000), 200 * 1.24375e-9)
    exact_mean = moments(problem, "reinforce-exact-mean", 2, 20_000, mean=mean_cost)
    assert holds(exact_mean, 200 * 6.21875e-10)
