"""Compare estimators on one problem: one row each, refusals included."""

from collections.abc import Iterable, Iterator, Sequence

import pandas
import torch

import estimators as registry
from benchmarks.measuring.measure import measure_together
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import Problem
from benchmarks.truth.exact import find_truth
from benchmarks.truth.two_estimators import agreed_truth
from benchmarks.validation.goodness_of_fit import examine
from benchmarks.validation.interface_checks import check, completed
from estimators import Estimator


def compare(
    problem: Problem,
    estimators: Iterable[Estimator | str] | None = None,
    samples: int | Sequence[int] = (1,),
    replicates: int = 10_000,
    precision: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    compiled: bool = False,
) -> pandas.DataFrame:
    """Measure `estimators` (all registered ones by default) on `problem`: a row for each and K.

    The columns are those of `benchmarks.store.schema`. What an estimator cannot do is a row with
    status "n/a" and the reason. If `compiled`, try `torch.compile`: on the loops that
    are timed, and on large cells, where estimators that draw the same random numbers then share one
    pass; what is measured is the same to rounding. A mistake in the problem raises ProblemError.
    """
    rows = measurements(
        problem, estimators, samples, replicates, precision, seed, device, dtype, compiled
    )
    return pandas.DataFrame([measurement.row for measurement in rows])


def measurements(
    problem: Problem,
    estimators: Iterable[Estimator | str] | None = None,
    samples: int | Sequence[int] = (1,),
    replicates: int = 10_000,
    precision: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    compiled: bool = False,
) -> Iterator[Measurement]:
    """The measurements behind `compare`, one after the other, as they are made."""
    problem = completed(problem)
    check(problem)
    examine(problem)
    truth = find_truth(problem) or agreed_truth(problem)
    if estimators is None:
        estimators = registry.names()
    chosen = [registry.create(e) if isinstance(e, str) else e for e in estimators]
    for count in (samples,) if isinstance(samples, int) else samples:
        tasks = [
            Task.of(problem, truth, estimator, count, replicates, seed, device, dtype, precision)
            for estimator in chosen
        ]
        if compiled:
            yield from measure_together(tasks)
        else:
            yield from (task.measured() for task in tasks)
