"""Straight-through estimators: the mean is a sum over the points, weighted by their probability."""

import pytest
import torch
from discrete_laws import SHAPES, random_case
from one_bernoulli import REPLICATES, bernoulli, holds, means, moments, sigmoid
from torch.distributions import (
    Bernoulli,
)

import estimators
from benchmarks import problems
from benchmarks.statistics.intervals import variance_interval
from estimators import capabilities


def expected_gradient(monkeypatch, name, dist, logits, cost, **fields):
    """E ĝ, exactly, of an estimator that is a function of x: every point once, weighted by p."""
    points = capabilities.support_points(dist)
    weight = len(points) * dist.log_prob(points).exp().detach()
    monkeypatch.setattr(capabilities, "perturbed_logits", lambda *_: (points - 0.5) * 1e3)
    estimator = estimators.create(name, **fields)
    surrogate = estimator.surrogate(dist, lambda x: weight * cost(x), len(points))
    return torch.autograd.grad(surrogate, logits, retain_graph=True)[0]


def exact_gradient(dist, logits, cost):
    points = capabilities.support_points(dist)
    mean = (dist.log_prob(points).exp() * cost(points)).sum()
    return torch.autograd.grad(mean, logits, retain_graph=True)[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("label", SHAPES)
def test_rein_max_is_unbiased_for_quadratic_costs(monkeypatch, label, seed):
    dist, logits, _, quadratic = random_case(label, seed)
    exact = exact_gradient(dist, logits, quadratic)
    found = expected_gradient(monkeypatch, "rein-max", dist, logits, quadratic)
    torch.testing.assert_close(found, exact, rtol=0, atol=2e-14)
    euler = expected_gradient(monkeypatch, "straight-through", dist, logits, quadratic)
    assert (euler - exact).abs().max() > 1e-3


@pytest.mark.parametrize("label", SHAPES)
def test_straight_through_is_unbiased_for_linear_costs(monkeypatch, label):
    dist, logits, linear, _ = random_case(label, 0)
    exact = exact_gradient(dist, logits, linear)
    for name, fields in (
        ("straight-through", {}),
        ("rein-max", {}),
        ("decoupled-straight-through", {"temperature": 1.0}),
    ):
        found = expected_gradient(monkeypatch, name, dist, logits, linear, **fields)
        torch.testing.assert_close(found, exact, rtol=0, atol=2e-14)


@pytest.mark.parametrize(("power", "bias"), [(1.5, -0.4992), (2.0, 0.0), (3.0, 0.9934)])
@pytest.mark.parametrize("name", ["straight-through", "rein-max"])
def test_the_polynomial_toy(monkeypatch, name, power, bias):
    logits = torch.zeros((), dtype=torch.float64, requires_grad=True)
    dist = Bernoulli(logits=logits)

    def cost(x):
        return (x - 0.45).abs() ** power

    exact = exact_gradient(dist, logits, cost)
    found = expected_gradient(monkeypatch, name, dist, logits, cost)
    assert float(found / exact - 1) == pytest.approx(bias, abs=5e-5)


@pytest.mark.parametrize("logits", [-0.4, 1.3])
def test_known_bias_of_the_relaxed(monkeypatch, logits):
    """f' is −.9 at 0 and 1.1 at 1, and ∂x is written out for each sample of a Bernoulli."""
    p, slope = sigmoid(logits), {0: -0.9, 1: 1.1}

    def bump(z, temperature):  # ∂σ(z/τ)/∂z
        s = sigmoid(z / temperature)
        return s * (1 - s) / temperature

    gapped = p * 1.1 * bump(max(logits, 0.7), 0.6) - (1 - p) * 0.9 * bump(max(-logits, 0.7), 0.6)
    decoupled = (p * 1.1 - (1 - p) * 0.9) * bump(logits, 0.6)
    leaf = torch.tensor(logits, dtype=torch.float64).requires_grad_()
    for name, fields, exact in (
        ("gapped-straight-through", {"temperature": 0.6, "gap": 0.7}, gapped),
        ("decoupled-straight-through", {"temperature": 0.6}, decoupled),
    ):
        dist = Bernoulli(logits=leaf)
        found = expected_gradient(
            monkeypatch, name, dist, leaf, lambda x: (x - 0.45).square(), **fields
        )
        assert float(found) == pytest.approx(exact, rel=1e-12)
    monkeypatch.undo()
    inside = {1: sigmoid(logits) - sigmoid(logits - 0.8), 0: sigmoid(logits + 0.8) - p}
    sparse = sum(inside[x] * slope[x] / 1.6 for x in (0, 1))  # (z/τ + 1)/2 where |z| < τ
    problem = bernoulli(0.45, logits)
    assert means(moments(problem, "sparsemax-straight-through", temperature=0.8), sparse)


def quantiles(logits):
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    return logits + u.log() - torch.log1p(-u)


@pytest.mark.parametrize("logits", [-0.4, 1.3])
def test_known_bias_by_the_noise(logits):
    """Means over the quantiles of the logistic noise."""
    problem, z = bernoulli(0.45, logits), quantiles(logits)
    s = z.sigmoid()  # temperature 1
    stretched = 1.2 * s - 0.1
    hard = (2 * (stretched - 0.45) * 1.2 * s * (1 - s) * ((stretched > 0) & (stretched < 1))).mean()
    assert means(moments(problem, "hard-concrete", temperature=1.0), float(hard))
    at_sample = torch.where(z > 0, 1.1, -0.9) * s * (1 - s)
    plain = moments(problem, "gumbel-rao", temperature=1.0)
    assert means(plain, float(at_sample.mean()))  # the mean of straight-through Gumbel-softmax
    move = (1 - (-z.abs()).exp()) * (z.sign() * logits).sigmoid()
    total = moments(problem, "gumbel-rao-total", temperature=1.0)
    assert means(total, float((at_sample * move).mean()))


def test_one_relaxation_is_straight_through_gumbel_softmax_and_many_are_quieter():
    problem = problems.load("one-hot-quadratic")
    hard = moments(problem, "gumbel-softmax-hard")
    one = moments(problem, "gumbel-rao", relaxations=1)
    many = moments(problem, "gumbel-rao", relaxations=20, replicates=20_000)
    error = ((hard.m2 + one.m2) / REPLICATES**2).sqrt()
    assert ((hard.mean - one.mean).abs() < 4 * error).all()
    assert holds(one, variance_interval(hard).value)
    assert variance_interval(many).high < 0.9 * variance_interval(hard).low
    off = (many.mean - hard.mean).abs()
    assert (off < 4 * (many.m2 / 20_000**2 + hard.m2 / REPLICATES**2).sqrt()).all()
