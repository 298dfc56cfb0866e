"""Compare estimators on one problem: one row each, refusals included."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas
import torch

from benchmarks.measuring.comparison import Comparison
from benchmarks.measuring.strategy_search import Candidates
from benchmarks.objective.definition import Problem
from benchmarks.objective.program import Program
from estimators import Estimator


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
    seconds: float | None = None,
    store: str | Path | None = None,
    memory_limit: int | str | None = None,
    generator: str | None = None,
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
    - `seconds`: a race that takes about so long, checks included: whoever is shown to be worse
      stops, the rest go on up to `replicates`; `attrs["sentence"]` says who is left.
    - `store`: a folder in which every measurement is kept, and found again instead of measured.
    - `memory_limit`: as for `measure`: bytes, or text such as "1GB"; half of what is free.
    - `generator`: as for `measure`: "mkl" draws many random numbers several times as fast.

    The columns are those of `benchmarks.store.schema`. What an estimator cannot do is a row with
    status "refused" and the reason. Raises ProblemError for a mistake in the problem, ValueError or
    TypeError for an argument that cannot be meant.
    """
    comparison = Comparison(
        problem, estimators, samples, replicates, precision, seed, device, dtype, compiled,
        seconds, store, memory_limit, generator,
    )  # fmt: skip
    for _ in comparison.steps():
        pass
    frame = pandas.DataFrame([measurement.row for measurement in comparison.results])
    if comparison.sentence is not None or isinstance(problem, Program):
        frame.attrs["sentence"] = comparison.sentence
    return frame
