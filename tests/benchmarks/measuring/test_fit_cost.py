"""What learned parts cost, and what the estimator was worth before they were learned."""

import pytest
import torch
from torch.distributions import Normal

from benchmarks import Problem
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.measuring.fit_cost import STARTS, learning, unfitted
from benchmarks.statistics.intervals import variance_interval
from benchmarks.statistics.stopping import Plan
from estimators import create

OFF = 3.0  # of the cost's centre from the mean
PROBLEM = Problem(
    "far",
    {"loc": torch.tensor(OFF, dtype=torch.float64)},
    lambda loc: Normal(loc, 1.0),
    lambda x: x.square(),
)
PLAN = Plan.of(10_000, 1)


def cell(estimator, samples=1):
    return Cell(PROBLEM, None, create(estimator), samples, 0, torch.device("cpu"))


@pytest.mark.parametrize("name", ["pathwise", "reinforce", "reinforce-loo"])
def test_what_learns_nothing_has_no_such_cost(name):
    assert learning(cell(name, 2), PLAN) == {}


@pytest.mark.parametrize("samples", [1, 4])
def test_a_moving_average_asks_for_its_calls_and_starts_as_plain_reinforce(samples):
    """19 calls settle a decay of 0.9. With no baseline, Var f z = d⁴ + 14 d² + 15 over K."""
    found = learning(cell("reinforce-ema", samples), PLAN)
    assert found["fit_evaluations"] == 19 * samples
    exact = (OFF**4 + 14 * OFF**2 + 15) / samples
    assert found["variance_start_low"] < exact < found["variance_start_high"]
    assert found["variance_start_low"] < found["variance_start"] < found["variance_start_high"]


def test_the_start_is_that_of_the_same_draws_without_a_baseline():
    shorter = Plan(STARTS, PLAN.block, PLAN.chunk)
    start = variance_interval(replicate(cell("reinforce"), shorter).table.whole())
    found = learning(cell("reinforce-ema"), PLAN)
    assert found["variance_start"] == pytest.approx(start.value, rel=1e-12)


def test_nothing_is_carried_from_one_block_to_the_next():
    """A moving average would remember the block before."""
    one = cell("reinforce-ema")
    (_, _), (second, _) = unfitted(one, [100, 100])
    alone = one.block(1, 100, fitted=create("reinforce-ema"))
    assert torch.equal(second, alone)
