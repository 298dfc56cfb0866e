"""The noise of the minibatch as facts of a cell: one number where estimators are unbiased."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple

from benchmarks.measuring.cell import Cell
from benchmarks.measuring.minibatch_variance import (
    REPLICATES,
    between,
    data_variance,
    noise_within,
    on_batches,
)
from benchmarks.statistics.intervals import Interval
from benchmarks.statistics.stopping import Plan
from estimators import create

STAND_IN = "reinforce-loo"  # whose mean is the true gradient also where the cost jumps
NOISIER = 2.0  # times, at most, its variance may be that of an estimator it speaks for
FEW = 8  # batches, in which two are compared
SAMPLES = 4  # of each estimate, at least: the means over them are the same for any K


class Found(NamedTuple):
    """The variance over the batches, and the noise of who found it on the first few."""

    between: Interval
    within: float


Known = dict[tuple, Found | None]  # what estimators of a problem found; None: nothing


def data_noise(cell: Cell, plan: Plan, facts: Mapping, known: Known) -> dict:
    """The variance that comes from the minibatch.

    All unbiased estimators have the same means, with any number of samples. So leave-one-out speaks
    for those that are not much quieter, unless `facts` say that they are biased here; `known`
    keeps what was found, for other cells of the problem.
    """
    found = None
    many = replace(cell, samples=max(cell.samples, SAMPLES), shares=None)
    fits = REPLICATES * many.samples <= plan.block * cell.samples  # into what a block holds
    if fits and not cell.is_long and _has_the_true_mean(cell, facts):
        other = _found(replace(many, estimator=create(STAND_IN)), known, None)
        found = _found(many, known, other)
    spread = found.between if found else data_variance(cell)
    return {
        "data_variance": spread.value,
        "data_variance_low": spread.low,
        "data_variance_high": spread.high,
    }


def _has_the_true_mean(cell: Cell, facts: Mapping) -> bool:
    """Whether an estimator has one mean with any K, as far as its replicates can tell."""
    unbiased = cell.estimator.unbiased and facts["bias_verdict"] not in ("biased", "no truth")
    return unbiased and cell.problem.reduction is None


def _found(cell: Cell, known: Known, other: Found | None) -> Found | None:
    """What the estimator of a cell finds, or `other` for it; None where it cannot."""
    dtype = next(iter(cell.problem.parameters.values())).dtype
    estimator = type(cell.estimator), str(cell.estimator), cell.estimator.config_json
    key = estimator, cell.samples, cell.device, dtype, cell.seed, cell.generator
    if key not in known:
        known[key] = None
        with suppress(Exception):  # as of one that takes no other number of samples
            gradients = on_batches(cell)
            first = list(islice(gradients, FEW))
            within = noise_within(first)
            speaks = other is not None and other.within <= NOISIER * within
            known[key] = other if speaks else Found(between(chain(first, gradients)), within)
    return known[key]
