"""Compare estimators on one problem: one row each, refusals included."""

from collections.abc import Iterable, Iterator, Sequence

import pandas
import torch

from benchmarks.measuring.arguments import estimators_of, samples_of
from benchmarks.measuring.cross_checks import cross_checked
from benchmarks.measuring.measure import measure_together
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import prepare
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import Problem
from estimators import Estimator


def compare(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Estimator | str | None = None,
    samples: int | Sequence[int] = (1,),
    replicates: int = 10_000,
    precision: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str = torch.float64,
    compiled: bool = False,
) -> pandas.DataFrame:
    """Measure `estimators` on `problem`: a frame with a row for each and K.

    - `problem`: a `Problem`; it is checked and its truth found first, once.
    - `estimators`: one or several, as instances or names; None stands for every registered one.
    - `samples`: K, draws of one estimate, or several K.
    - `replicates`: R, independent estimates; at most, with `precision`.
    - `precision`: go on until the variance interval's relative half-width is below it.
    - `seed`: of all random numbers; the same for every estimator (common random numbers).
    - `device`: "cpu", "cuda" or "cuda:1", or a torch.device.
    - `dtype`: of parameters and gradients, a torch dtype or its name; timing is in float32.
    - `compiled`: try `torch.compile` on the loops that are timed, and on large cells, where
      estimators that draw the same random numbers share one pass; the same to rounding.

    The columns are those of `benchmarks.store.schema`. What an estimator cannot do is a row with
    status "n/a" and the reason. Raises ProblemError for a mistake in the problem, ValueError or
    TypeError for an argument that cannot be meant.
    """
    chosen, counts = estimators_of(estimators), samples_of(samples)
    rows = measurements(
        problem, chosen, counts, compiled=compiled, replicates=replicates,
        precision=precision, seed=seed, device=device, dtype=dtype,
    )  # fmt: skip
    rows = cross_checked(list(rows), chosen * len(counts))
    return pandas.DataFrame([measurement.row for measurement in rows])


def measurements(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Estimator | str | None = None,
    samples: int | Sequence[int] = (1,),
    compiled: bool = False,
    **settings,
) -> Iterator[Measurement]:
    """The measurements behind `compare`, one after the other, as they are made.

    `settings` are the other arguments of `compare`.
    """
    prepared, chosen = prepare(problem), estimators_of(estimators)
    for count in samples_of(samples):
        tasks = [Task.of(prepared, one, samples=count, **settings) for one in chosen]
        if compiled:
            yield from measure_together(tasks)
        else:
            yield from (task.measured() for task in tasks)
