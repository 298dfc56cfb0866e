"""Compare estimators on one problem: one row each, refusals included."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas
import torch

from benchmarks.measuring.arguments import estimators_of, samples_of
from benchmarks.measuring.cross_checks import cross_checked
from benchmarks.measuring.measure import measure_together
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.strategy_search import Candidates, searched, sentence
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import Problem
from benchmarks.objective.program import Program
from estimators import Estimator
from estimators.programs import Strategies


def compare(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Estimator | str | Candidates | None = None,
    samples: int | Sequence[int] = (1,),
    replicates: int = 10_000,
    precision: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str = torch.float64,
    compiled: bool = False,
    memory_limit: int | str | None = None,
) -> pandas.DataFrame:
    """Measure `estimators` on `problem`: a frame with a row for each and K.

    - `problem`: a `Problem`; it is checked and its truth found first, once.
    - `estimators`: one or several, as instances or names; None stands for every registered one.
      Of a `Program`, None searches strategies node by node, among those that a mapping from nodes
      to lists gives; `attrs["sentence"]` of the frame then says what comes of it.
    - `samples`: K, draws of one estimate, or several K.
    - `replicates`: R, independent estimates; at most, with `precision`.
    - `precision`: go on until the variance interval's relative half-width is below it.
    - `seed`: of all random numbers; the same for every estimator (common random numbers).
    - `device`: "cpu", "cuda" or "cuda:1", or a torch.device.
    - `dtype`: of parameters and gradients, a torch dtype or its name; timing is in float32.
    - `compiled`: try `torch.compile` on the loops that are timed, and on large cells, where
      estimators that draw the same random numbers share one pass; the same to rounding.
    - `memory_limit`: as for `measure`: bytes, or text such as "1GB"; half of what is free.

    The columns are those of `benchmarks.store.schema`. What an estimator cannot do is a row with
    status "n/a" and the reason. Raises ProblemError for a mistake in the problem, ValueError or
    TypeError for an argument that cannot be meant.
    """
    counts = samples_of(samples)
    searching = is_searched(problem, estimators)
    chosen = estimators if searching else estimators_of(estimators)
    rows = list(measurements(
        problem, chosen, counts, compiled=compiled, replicates=replicates,
        precision=precision, seed=seed, device=device, dtype=dtype, memory_limit=memory_limit,
    ))  # fmt: skip
    if not searching:
        rows = cross_checked(rows, chosen * len(counts))
    frame = pandas.DataFrame([measurement.row for measurement in rows])
    if isinstance(problem, Program):
        frame.attrs["sentence"] = sentence(rows)
    return frame


def measurements(
    problem: Problem,
    estimators: Iterable[Estimator | str] | Estimator | str | Candidates | None = None,
    samples: int | Sequence[int] = (1,),
    compiled: bool = False,
    **settings,
) -> Iterator[Measurement]:
    """The measurements behind `compare`, one after the other, as they are made.

    `settings` are the other arguments of `compare`.
    """
    prepared = prepare(problem, memory_limit=settings.get("memory_limit"))
    if is_searched(problem, estimators):
        yield from _searched(problem, prepared, estimators, samples_of(samples), **settings)
        return
    chosen = estimators_of(estimators)
    for count in samples_of(samples):
        tasks = [Task.of(prepared, one, samples=count, **settings) for one in chosen]
        if compiled:
            yield from measure_together(tasks)
        else:
            yield from (task.measured() for task in tasks)


def is_searched(problem: Problem, estimators: object) -> bool:
    """Whether strategies are searched node by node: of a program, unless estimators are named."""
    return isinstance(problem, Program) and (estimators is None or isinstance(estimators, Mapping))


def _searched(
    program: Program,
    prepared: Prepared,
    candidates: Candidates | None,
    counts: Sequence[int],
    replicates: int,
    **settings,
) -> Iterator[Measurement]:
    def measure(strategies: Strategies, count: int, most: int) -> Measurement:
        task = Task.of(prepared, strategies, samples=count, replicates=most, **settings)
        return task.measured()

    for count in counts:
        yield from searched(program, candidates, count, replicates, measure)
