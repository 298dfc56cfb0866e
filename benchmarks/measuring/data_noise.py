"""The noise of the minibatch as facts of a cell: one number for all unbiased estimators."""

from contextlib import suppress
from dataclasses import replace

from benchmarks.measuring.cell import Cell, replicate
from benchmarks.measuring.metrics import statistics
from benchmarks.measuring.minibatch_variance import data_variance
from benchmarks.statistics.intervals import Interval
from benchmarks.statistics.stopping import Plan
from estimators import Estimator, create

STAND_INS = "pathwise", "reinforce-loo"  # the quieter one first
TRIED = 256  # replicates in which a stand-in must not be biased


def data_noise(cell: Cell, known: dict[tuple, Interval | None]) -> dict:
    """The variance that comes from the minibatch.

    An unbiased estimator is spoken for by the quietest one whose mean is the true gradient: all of
    them have the same means. `known` keeps what that one found, for other cells of the problem.
    """
    found = None
    if cell.estimator.unbiased and cell.truth is not None and not cell.is_long:
        dtype = next(iter(cell.problem.parameters.values())).dtype
        key = cell.device, dtype, cell.seed, cell.samples, cell.generator
        if key not in known:
            known[key] = _by_stand_in(cell)
        found = known[key]
    found = found or _by(cell, cell.estimator)
    return {
        "data_variance": found.value,
        "data_variance_low": found.low,
        "data_variance_high": found.high,
    }


def _by_stand_in(cell: Cell) -> Interval | None:
    for name in STAND_INS:
        with suppress(Exception):  # what one cannot do, another may
            estimator = create(name)
            if _has_the_true_mean(replace(cell, estimator=estimator, shares=None)):
                return _by(cell, estimator)
    return None


def _has_the_true_mean(cell: Cell) -> bool:
    """As far as some replicates of the first batch can tell: a jump of the cost takes it away."""
    problem, samples = cell.problem, cell.samples
    plan = Plan.of(TRIED, problem.numbers(samples), None, problem.size, samples)
    found = replicate(cell, plan)
    return not found.unhealthy and statistics(cell, found)["bias_verdict"] != "biased"


def _by(cell: Cell, estimator: Estimator) -> Interval:
    return data_variance(
        cell.problem, estimator, cell.samples, cell.seed, cell.device, cell.generator
    )
