"""Independent repetitions of a measurement, with the suite's own code, and altered copies of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.calibration.exact_cells import ExactCell
from benchmarks.measuring.cell import Cell, Replicates, replicate
from benchmarks.measuring.metrics import statistics
from benchmarks.statistics import intervals
from benchmarks.statistics.stopping import Plan, StoppingRule, first_look

CPU = torch.device("cpu")
PUBLISHED = 10_000  # replicates
REPETITION_SECONDS = 3e-3  # about, and as much again for each 60 000 random numbers
NUMBER_SECONDS = 5e-8


@dataclass(frozen=True)
class Altered(Cell):
    """A cell whose gradients [R, P] are changed: a fault that is known exactly."""

    change: Callable[[Tensor], Tensor] = lambda g: g

    def block(self, index, replicates, counted=None, fitted=None):
        return self.change(super().block(index, replicates, counted, fitted))

    def in_pieces(self, index, replicates):
        g, counts = self.counted(index, replicates)
        return [g], counts


@dataclass(frozen=True)
class Repetition:
    """What one measurement said; `facts` are the fields of its Measurement."""

    facts: dict
    kappa: float
    replicated: Replicates

    @property
    def covers(self) -> Callable[[float], bool]:
        """Whether the variance interval contains a value."""
        low, high = self.facts["variance_low"], self.facts["variance_high"]
        return lambda exact: low <= exact <= high


def cell(
    exact_cell: ExactCell, seed: int, change: Callable[[Tensor], Tensor] | None = None
) -> Cell:
    """The cell to measure of an exact one; `change` alters its gradients."""
    parts = (
        exact_cell.problem,
        exact_cell.truth,
        exact_cell.estimator,
        exact_cell.samples,
        seed,
        CPU,
    )
    return Cell(*parts) if change is None else Altered(*parts, change=change)


def measured(one: Cell, replicates: int = PUBLISHED, precision: float | None = None) -> Repetition:
    """One measurement of a cell."""
    numbers = one.problem.numbers(one.samples)
    start = first_look(replicates) if precision else None
    rule = StoppingRule(precision, replicates) if precision else None
    found = replicate(one, Plan.of(replicates, numbers, start), rule)
    return Repetition(statistics(one, found), intervals.kurtosis(found.table.whole()), found)


def repeated(
    exact_cell: ExactCell, seeds: range, replicates: int = PUBLISHED, change: Callable | None = None
) -> Iterator[Repetition]:
    """Measurements of a cell with seeds of their own."""
    for seed in seeds:
        yield measured(cell(exact_cell, seed, change), replicates)


def affordable(
    exact_cell: ExactCell, replicates: int, seconds: float, fewest: int, most: int
) -> int:
    """How many repetitions take about `seconds`: fixed by the work, not by the clock."""
    numbers = replicates * exact_cell.problem.numbers(exact_cell.samples)
    return int(min(max(seconds / (REPETITION_SECONDS + NUMBER_SECONDS * numbers), fewest), most))
