"""Baselines whose variance is a sum over the values of a Bernoulli."""

import pytest
from one_bernoulli import REPLICATES, bernoulli, holds, moments, sigmoid

import estimators
from benchmarks import problems


@pytest.mark.parametrize(("t", "logits"), [(0.45, 0.5), (0.2, -1.5)])
def test_baselines_of_one_bernoulli(t, logits):
    """Var = Σ_x p(x) (f(x) − b)² s(x)² − g², and E s² · Var b of a baseline that is noisy."""
    problem = bernoulli(t, logits)
    p = sigmoid(logits)
    f, mass, score = (t**2, (1 - t) ** 2), (1 - p, p), (-p, 1 - p)
    mean = sum(m * c for m, c in zip(mass, f, strict=True))
    spread = sum(m * (c - mean) ** 2 for m, c in zip(mass, f, strict=True))
    gradient = (1 - 2 * t) * p * (1 - p)

    def variance(b):
        rows = zip(mass, f, score, strict=True)
        return sum(m * ((c - b) * s) ** 2 for m, c, s in rows) - gradient**2

    learned = variance(mean) + p * (1 - p) * spread / 5
    assert holds(moments(problem, "reinforce-exact-mean"), variance(mean), gradient)
    assert holds(moments(problem, "self-critical"), variance(f[logits > 0]), gradient)
    assert holds(moments(problem, "reinforce-nvil", fit_steps=5), learned, gradient)


def test_factors_with_terms_of_their_own():
    """Var = Σ_d p q (f_d(1)² q + f_d(0)² p) − g_d²: no factor hears the others' costs."""
    problem = problems.load("bernoulli-10-quadratic")
    p = problem.parameters["logits"].sigmoid()
    q, one, zero = 1 - p, 0.55**2, 0.45**2
    variance = (p * q * (q * one**2 + p * zero**2) - (p * q * (one - zero)).square()).sum()
    whole = moments(problem, "reinforce-rao-blackwell", terms=lambda x, dist: (x - 0.45).square())
    assert holds(whole, float(variance))
    assert (
        (whole.mean[0] - p * q * (one - zero)).abs() < 4 * (whole.m2[0] / REPLICATES**2).sqrt()
    ).all()
    told = moments(problem, "reinforce-rao-blackwell")  # by the cost itself
    assert holds(told, float(variance))
    with pytest.raises(estimators.Unsupported, match="terms"):
        estimators.create("reinforce-rao-blackwell").surrogate(problem.dist(), lambda x: x.sum(-1))
