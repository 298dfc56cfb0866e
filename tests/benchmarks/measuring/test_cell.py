"""What streams out of the replicates of a cell, on gradients that are written down."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from benchmarks import Problem, measure, problems
from benchmarks.machine import timing
from benchmarks.measuring import time_and_memory
from benchmarks.measuring.cell import Cell, CountedCost, Counts, Replicates
from benchmarks.objective.truth import Truth
from benchmarks.statistics.stopping import Plan
from estimators import create

ONE = {"loc": torch.tensor(1.0, dtype=torch.float64)}
SQUARE = Problem("square", ONE, lambda loc: Normal(loc, 1.0), lambda x: x.square())


def taken_in(g, *counts):
    gradient = torch.zeros(g.shape[1], dtype=torch.float64)
    gradient[0] = 2.0
    truth = Truth(gradient, torch.zeros_like(gradient), "closed form")
    cell = Cell(SQUARE, truth, create("pathwise"), 1, 0, torch.device("cpu"))
    found = Replicates.of(cell, Plan(len(g), len(g), 1), None)
    found.add(g, Counts(*counts))
    return found


def test_directions_are_counted():
    found = taken_in(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [-2.0, 1.0], [0.0, 0.0]]))
    assert found.count == 5
    assert found.wrong_way == 2
    assert float(found.cosine) == pytest.approx(1 - 1 + 0 - 2 / 5**0.5)
    assert found.zero == 1


def test_what_is_not_finite_and_what_the_cost_counted():
    found = taken_in(torch.tensor([[1.0], [math.nan], [math.inf]]), 12, torch.tensor(2), 7.0)
    assert found.unhealthy == 2
    assert (found.evaluations, int(found.nonfinite_costs), float(found.largest_cost)) == (12, 2, 7)
    found.add(torch.ones(1, 1), Counts(3, torch.tensor(0), torch.tensor(5.0)))
    assert (found.evaluations, float(found.largest_cost)) == (15, 7)


def test_the_share_of_estimates_that_point_the_wrong_way():
    """ĝ = 2 x with x ~ N(1, 1): below zero in Φ(−1) = 15.9 % of them."""
    share, replicates = 0.5 * math.erfc(1 / 2**0.5), 10_000
    found = measure(SQUARE, "pathwise", replicates=replicates, timed=False)
    assert abs(found.wrong_way - share) < 4 * (share * (1 - share) / replicates) ** 0.5
    assert found.cosine == pytest.approx(1 - 2 * found.wrong_way)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
@pytest.mark.parametrize("values", [[-3.0, 1.0], [0.0], [2.0, -math.inf], [math.nan, 5.0], [-0.0]])
def test_what_a_cost_counts(values, dtype):
    if dtype is torch.int64 and not all(map(math.isfinite, values)):
        pytest.skip("Integers are finite.")
    f = torch.tensor(values).to(dtype)
    cost = CountedCost(lambda x: f)
    cost(torch.zeros(len(f)), Normal(0.0, 1.0))
    evaluations, nonfinite, largest = cost.counts
    assert evaluations == len(f)
    assert int(nonfinite) == sum(not math.isfinite(value) for value in values)
    assert float(largest) == pytest.approx(float(f.abs().max()), rel=0, nan_ok=True)


def test_pieces_are_the_gradients_and_are_what_is_timed(monkeypatch):
    problem = problems.load("vae-digits-weights")
    one = Cell(problem, None, create("pathwise"), 1, 0, torch.device("cpu"))
    pieces = one.unjoined.block(0, 3)
    assert [piece.shape[1] for piece in pieces] == [w.numel() for w in problem.weights.values()]
    assert torch.equal(torch.cat(pieces, 1), one.block(0, 3))
    timed = []
    monkeypatch.setattr(timing, "time_block", lambda block, *_: timed.append(block()))
    time_and_memory.timings(one, 3, compiled=False)
    assert [len(block) for block in timed] == [len(pieces)]


def test_a_truth_in_single_precision_is_a_direction_too():
    at = torch.linspace(0.5, 3, 6, dtype=torch.float64)

    def found(gradient):
        truth = Truth(gradient, torch.zeros_like(gradient), "closed form")
        problem = Problem("t", {"m": at}, lambda m: Normal(m, 1.0), lambda x: x * x, truth)
        return measure(problem, "reinforce", 1, 1000, timed=False)

    one, other = found(2 * at), found((2 * at).float())
    assert one.cosine == pytest.approx(other.cosine, rel=1e-6)
    assert one.row["wrong_way"] == other.row["wrong_way"]


@pytest.mark.parametrize("estimator", ["reinforce-loo", "reinforce-ema", "mu-prop"])
def test_a_family_that_holds_double_precision_is_timed_in_it(estimator):
    way = torch.tensor([[1.0, 0.5], [0.0, 1.0]], dtype=torch.float64)
    problem = Problem(
        "held",
        {"logits": torch.zeros(2, dtype=torch.float64)},
        lambda logits: Independent(Bernoulli(logits=logits @ way), 1),
        lambda x: (x.sum(-1) - 0.4).square(),
    )
    found = measure(problem, estimator, samples=4, replicates=200)
    assert found.status == "ok", found.reason
    assert found.seconds > 0
