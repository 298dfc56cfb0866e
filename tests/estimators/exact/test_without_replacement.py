"""Sampling without replacement and in strata, against enumeration."""

import itertools
import math

import pytest
import torch
from one_bernoulli import bernoulli, holds, means, moments, three
from torch.distributions import (
    Bernoulli,
    Independent,
)

import estimators
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.statistics.intervals import variance_interval
from estimators.exact.unordered_set import next_draws

VALUES = [("arm", 2), ("disarm", 4), ("arms", 3), ("arms", 5), ("stratified", 4)]
VALUES += [("sum-and-sample", 3), ("unordered-set", 1), ("unordered-set", 3), ("rebar", 2)]


@pytest.mark.parametrize(("name", "samples"), VALUES)
def test_values_are_the_mean_cost(name, samples):
    """Samples that are coupled, chosen or in strata still have the law p, one by one."""
    logits = torch.tensor([-1.2, 0.4, 2.0], dtype=torch.float64).expand(20_000, 3)
    dist = Independent(Bernoulli(logits=logits), 1)
    weight = torch.tensor([1.0, -2.0, 0.7], dtype=torch.float64)
    with stream(stream_key("value", name, samples)):
        estimator = estimators.create(name)
        value = estimator.surrogate(dist, lambda x: ((x * weight).sum(-1) - 0.3) ** 2, samples)
    p = logits[0].sigmoid()
    exact = (p @ weight - 0.3) ** 2 + (p * (1 - p)) @ weight.square()
    assert abs(float(value.mean() - exact)) < 3.5 * float(value.std()) / 20_000**0.5


def test_without_replacement_three_bernoullis():
    problem = three()
    for name in ("unordered-set", "sum-and-sample"):
        whole = moments(problem, name, 8, 2_000)
        assert holds(whole, 0.0)
        assert float(whole.mean) == pytest.approx(-0.045, abs=1e-15)
        assert holds(moments(problem, name, 1), 0.43842, -0.045)  # plain REINFORCE
        for samples in (2, 3, 5):
            assert means(moments(problem, name, samples, 20_000), -0.045)
    exact = moments(problem, "enumeration", replicates=1_000)
    assert holds(exact, 0.0)
    assert float(exact.mean) == pytest.approx(-0.045, abs=1e-15)


def test_the_probability_of_a_set_is_the_sum_over_its_orders():
    p, rest = (
        torch.tensor([0.4, 0.05, 0.2], dtype=torch.float64),
        torch.tensor(0.35, dtype=torch.float64),
    )

    def in_order(order, total):
        return math.prod(float(p[i]) / (total - sum(float(p[j]) for j in order[:n]))
                         for n, i in enumerate(order))  # fmt: skip

    found = next_draws(p, rest)
    for subset in range(1, 8):
        members = [i for i in range(3) if subset >> i & 1]
        gone = sum(float(p[i]) for i in range(3) if i not in members)
        exact = sum(in_order(order, 1 - gone) for order in itertools.permutations(members))
        assert float(found[subset]) == pytest.approx(exact, rel=1e-13)


def test_strata_split_the_variance():
    """A Bernoulli with p = ½ in K = 2 strata: one sample in each, so the mean is always exact."""
    assert holds(moments(bernoulli(0.45, 0.0), "stratified", 2, 2_000), 0.0)
    whole = moments(three(), "stratified", 4)
    assert means(whole, -0.045)
    assert variance_interval(whole).high < 0.43842 / 4
