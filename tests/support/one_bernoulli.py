"""Bernoulli toys with known variances, and moments of R replicates compared with them.

Values from the papers were recomputed for this project; where a mean or variance is written out
in a test, it is derived on the line above it.
"""

import math

import torch
from torch.distributions import (
    Bernoulli,
    Independent,
)

import estimators
from benchmarks import Problem
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.objective import costs
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.intervals import variance_interval
from benchmarks.statistics.stopping import Plan

REPLICATES = 100_000


def moments(problem, name, samples=1, replicates=REPLICATES, **fields):
    estimator = estimators.create(name, **fields)
    cell = Cell(problem, None, estimator, samples, 7, torch.device("cpu"))
    with unvalidated():
        return replicate(cell, Plan.of(replicates, problem.numbers(samples))).table.whole()


def holds(whole, variance, mean=None):
    """Whether the 99.9 % intervals, 1.7 times the 95 % ones, hold these exact values."""
    value, low, high = variance_interval(whole)
    if variance < 1e-20:
        return value < 1e-20
    error = math.sqrt(value / float(whole.count[0]))
    near = abs(math.log(value / variance)) <= 1.7 * math.log(high / low) / 2
    return near and (mean is None or abs(float(whole.mean.sum()) - mean) <= 3.3 * error)


def means(whole, exact):
    """Whether the mean of one parameter's gradient is `exact`, within 99.9 %."""
    error = math.sqrt(float(whole.m2.sum())) / float(whole.count[0])
    return abs(float(whole.mean.sum()) - exact) <= 3.3 * error


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def bernoulli(t, logits, cost=None):
    return Problem(
        "one bernoulli",
        {"logits": torch.tensor(logits, dtype=torch.float64)},
        lambda logits: Bernoulli(logits=logits),
        cost or costs.quadratic(t),
    )


def three():
    """Liu et al. 2019 and Kool et al. 2020: p₀ = (.6, .51, .48), η = 0; the gradient is −.045."""
    return Problem(
        "three bernoullis",
        {"eta": torch.tensor(0.0, dtype=torch.float64)},
        lambda eta: Independent(Bernoulli(logits=eta.unsqueeze(-1).expand(*eta.shape, 3)), 1),
        costs.quadratic(torch.tensor([0.6, 0.51, 0.48], dtype=torch.float64)),
    )


def two_hundred():
    """Titsias & Shi 2022: p = ½, mean over the dimensions of (b − .499)²."""
    return Problem(
        "two hundred bernoullis",
        {"logits": torch.zeros(200).double()},
        lambda logits: Independent(Bernoulli(logits=logits), 1),
        lambda x: (x - 0.499).square().mean(-1),
    )
