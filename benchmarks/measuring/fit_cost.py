"""What an estimator's learned parts cost, and what it was worth before they were learned."""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace

from torch import Tensor

from benchmarks.measuring.cell import Cell, CountedCost, Counts, replicate
from benchmarks.statistics.intervals import variance_interval
from benchmarks.statistics.stopping import Plan

FITS = 2  # replicates fitted only to count what a fit asks of the cost
STARTS = 2_000  # replicates of the estimator as it starts


def learning(cell: Cell, plan: Plan) -> dict:
    """The evaluations of a fit, and the variance before it; nothing if there is none to make."""
    cost = CountedCost(cell.problem.cost)
    replace(cell, shares=None).fitted(0, FITS, cost)
    if not cost.counts.evaluations:
        return {}
    batch = cell.problem.dist().batch_shape.numel()
    shorter = replace(plan, replicates=min(plan.replicates, STARTS))
    start = variance_interval(replicate(cell, shorter, blocks=unfitted).table.whole())
    return {
        "fit_evaluations": cost.counts.evaluations / FITS / batch,
        "variance_start": start.value,
        "variance_start_low": start.low,
        "variance_start_high": start.high,
    }


def unfitted(cell: Cell, sizes: Iterable[int]) -> Iterator[tuple[Tensor, Counts]]:
    """The gradients of each block before anything is learned, also from another block."""
    for index, size in enumerate(sizes):
        cost = CountedCost(cell.problem.cost)
        fresh = copy.deepcopy(cell.estimator)
        yield cell.block(index, size, cost, fitted=fresh), cost.counts
