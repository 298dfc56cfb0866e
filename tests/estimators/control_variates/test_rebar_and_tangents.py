"""REBAR, MuProp and double control variates against closed forms of one Bernoulli."""

import pytest
import torch
from one_bernoulli import bernoulli, holds, means, moments, sigmoid, three
from torch.distributions import (
    Bernoulli,
)

import estimators
from benchmarks import problems
from benchmarks.statistics.intervals import variance_interval
from benchmarks.truth.exact import find_truth

REBAR = [  # temperature, variance with independent and with coupled noise; η = 1
    (0.1, 0.08725, 0.09041),
    (0.5, 0.02265, 0.02407),
    (1.0, 0.01849, 0.01792),
]


@pytest.mark.parametrize(("temperature", "independent", "coupled"), REBAR)
def test_rebar_before_it_learns(temperature, independent, coupled):
    problem, fields = bernoulli(0.45, 0.0), {"temperature": temperature, "fit_steps": 0}
    assert holds(moments(problem, "rebar-independent", **fields), independent, 0.025)
    assert holds(moments(problem, "rebar", **fields), coupled, 0.025)


@pytest.mark.parametrize(("coefficient", "temperature"), [(0.3, 0.1), (2.0, 3.0)])
def test_rebar_is_right_for_every_coefficient(coefficient, temperature):
    for name in ("rebar", "rebar-independent"):
        fields = {"coefficient": coefficient, "temperature": temperature, "fit_steps": 0}
        assert means(moments(bernoulli(0.45, -1.0), name, **fields), 0.1 * 0.196611933241482)


def test_what_is_learned_makes_it_quieter_and_stays_right():
    problem = problems.load("bernoulli-10-quadratic")
    truth = find_truth(problem).gradient
    plain = variance_interval(moments(problem, "reinforce", replicates=10_000)).low
    for name, at_most in (("rebar", 0.1), ("rebar-independent", 0.1), ("relax", 0.3)):
        whole = moments(problem, name, replicates=2_000)
        assert variance_interval(whole).high < at_most * plain, name
        error = (whole.m2[0] / 2_000**2).sqrt()
        assert ((whole.mean[0] - truth).abs() < 4 * error).all(), name


@pytest.mark.parametrize(("t", "logits"), [(0.45, 0.0), (0.3, -1.5)])
def test_a_fitted_tangent_is_exact_for_one_bernoulli(t, logits):
    """Every function of one bit is linear, so some η leaves no noise."""
    whole = moments(bernoulli(t, logits), "mu-prop-fitted", replicates=2_000)
    assert holds(whole, 0.0)
    p = sigmoid(logits)
    assert float(whole.mean) == pytest.approx((1 - 2 * t) * p * (1 - p), rel=1e-9)


@pytest.mark.parametrize("coefficient", [-1.0, 0.6])
@pytest.mark.parametrize("logits", [0.5, -1.5])
def test_tangents_of_one_bernoulli(logits, coefficient):
    """Mean and variance over the values of x, and over the four pairs of K = 2; f = (x − .2)²."""
    problem, p, eta = bernoulli(0.2, logits), sigmoid(logits), coefficient
    f, slope, pq = {0: 0.04, 1: 0.64}, {0: -0.4, 1: 1.6}, p * (1 - p)
    mass = {0: 1 - p, 1: p}

    def single(x):
        tangent = (p - 0.2) ** 2 + 2 * (p - 0.2) * (x - p)
        return (f[x] - eta * tangent) * (x - p) + eta * 2 * (p - 0.2) * pq

    def pair(x, y):
        gap = f[x] + eta * slope[y] * (x - p) - f[y] - eta * slope[x] * (y - p)
        return gap * (x - y) / 2 - eta * (slope[x] + slope[y]) / 2 * pq

    ones = [(mass[x], single(x)) for x in (0, 1)]
    pairs = [(mass[x] * mass[y], pair(x, y)) for x in (0, 1) for y in (0, 1)]
    for outcomes, name, samples in ((ones, "mu-prop", 1), (pairs, "double-control-variates", 2)):
        mean = sum(m * g for m, g in outcomes)
        assert mean == pytest.approx(0.6 * pq, rel=1e-12)
        variance = sum(m * (g - mean) ** 2 for m, g in outcomes)
        fields = {"coefficient": coefficient, "fit_steps": 0}
        assert holds(moments(problem, name, samples, **fields), variance, mean)


def test_double_control_variates_learn_to_beat_leave_one_out():
    learned = moments(three(), "double-control-variates", 2, 20_000)
    assert means(learned, -0.045)
    plain = variance_interval(moments(three(), "reinforce-loo", 2))
    assert variance_interval(learned).high < plain.low


@pytest.mark.parametrize("name", ["mu-prop", "double-control-variates", "rebar"])
def test_costs_without_a_derivative_are_refused(name):
    logits = torch.zeros(3, requires_grad=True)
    estimator = estimators.create(name)
    with pytest.raises(estimators.Unsupported, match="no derivative"):
        estimator.surrogate(Bernoulli(logits=logits), lambda x: x.detach() * 2.0, 2)
