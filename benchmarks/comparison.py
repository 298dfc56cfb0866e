"""Compare estimators on one problem: one row each, refusals included."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas
import torch

import estimators as registry
from benchmarks.agreement import agreed_truth
from benchmarks.checks import check, completed
from benchmarks.measured import measure_together
from benchmarks.measurement import Measurement
from benchmarks.pieces import examine
from benchmarks.problem import Problem
from benchmarks.program import Program
from benchmarks.program_search import Candidates, searched, sentence
from benchmarks.task import Task
from benchmarks.truth import find_truth
from estimators import Estimator
from estimators.programs import Strategies


def compare(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Candidates | None = None,
    samples: int | Sequence[int] = (1,),
    replicates: int = 10_000,
    precision: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    compiled: bool = False,
) -> pandas.DataFrame:
    """Measure `estimators` (all registered ones by default) on `problem`: a row for each and K.

    The columns are those of `benchmarks.results`. What an estimator cannot do is a row with status
    "n/a" and the reason. If `compiled`, try `torch.compile`: on the loops that are timed, and on
    large cells, where estimators that draw the same random numbers then share one pass; what is
    measured is the same to rounding. A mistake in the problem raises ProblemError.

    Of a Program, `estimators` may give the strategies of each node, or None for all that it
    accepts; without any they are searched node by node. `attrs["sentence"]` says what comes of it.
    """
    rows = list(
        measurements(
            problem, estimators, samples, replicates, precision, seed, device, dtype, compiled
        )
    )
    frame = pandas.DataFrame([measurement.row for measurement in rows])
    if isinstance(problem, Program):
        frame.attrs["sentence"] = sentence(rows)
    return frame


def measurements(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Candidates | None = None,
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
    counts = (samples,) if isinstance(samples, int) else samples
    if isinstance(problem, Program) and (estimators is None or isinstance(estimators, Mapping)):

        def measure(strategies: Strategies, count: int, most: int) -> Measurement:
            task = Task.of(problem, truth, strategies, count, most, seed, device, dtype, precision)
            return task.measured()

        for count in counts:
            yield from searched(problem, estimators, count, replicates, measure)
        return
    if estimators is None:
        estimators = registry.names()
    chosen = [registry.create(e) if isinstance(e, str) else e for e in estimators]
    for count in counts:
        tasks = [
            Task.of(problem, truth, estimator, count, replicates, seed, device, dtype, precision)
            for estimator in chosen
        ]
        if compiled:
            yield from measure_together(tasks)
        else:
            yield from (task.measured() for task in tasks)
