"""What draws nothing is made twice and taken in as often as it would come."""

import pytest
import torch
from torch.distributions import Bernoulli

from benchmarks import Problem
from benchmarks.measuring.cell import Cell, in_turn
from benchmarks.statistics.stopping import Plan
from estimators import Estimator, create, evaluate

SIZES = list(Plan(100, 16, 4).sizes())  # six blocks, and four that are left


class Same(Estimator):
    """From outside: nobody knows what the next block will be."""

    def surrogate(self, dist, cost, samples=1):
        return evaluate(cost, torch.ones(1, *dist.batch_shape), dist).mean(0) * dist.probs


def cell(estimator, probs=0.3, cost=lambda x: (x - 0.4).square()):
    parameters = {"probs": torch.tensor(probs, dtype=torch.float64)}
    problem = Problem("coin", parameters, lambda probs: Bernoulli(probs), cost, truth=None)
    return Cell(problem, None, estimator, 1, 0, torch.device("cpu"))


def _made(cell, index, size, asked):
    asked.append(size)
    return [cell.block(index, size)], None


@pytest.mark.parametrize(
    ("estimator", "probs", "made"),
    [
        (create("enumeration"), 0.3, [16, 16, 4]),
        (create("reinforce"), 0.3, SIZES),
        (create("reinforce"), 1e-9, SIZES),  # zero so far, but it draws
        (Same(), 0.3, SIZES),
        (create("reinforce-nvil"), 0.3, SIZES),
    ],
)
def test_only_what_draws_nothing_is_repeated(estimator, probs, made, monkeypatch):
    one, asked = cell(estimator, probs), []
    monkeypatch.setattr(Cell, "in_pieces", lambda self, *block: _made(self, *block, asked))
    blocks = [g for (g,), _ in in_turn(one, SIZES)]
    assert asked == made
    assert [len(g) for g in blocks] == SIZES
    assert all(torch.equal(g, one.block(i, len(g))) for i, g in enumerate(blocks))


def test_blocks_of_one_replicate_say_nothing(monkeypatch):
    """And two replicates might not fit into memory."""
    asked = []
    monkeypatch.setattr(Cell, "in_pieces", lambda self, *block: _made(self, *block, asked))
    list(in_turn(cell(create("enumeration")), [1] * 4))
    assert asked == [1] * 4


def test_a_cost_that_draws_is_asked_each_time(monkeypatch):
    def cost(x):
        return x + 0.0 * torch.rand(())

    asked = []
    monkeypatch.setattr(Cell, "in_pieces", lambda self, *block: _made(self, *block, asked))
    list(in_turn(cell(create("enumeration"), cost=cost), SIZES))
    assert asked == SIZES
