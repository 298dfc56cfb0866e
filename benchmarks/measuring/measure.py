"""Measure one estimator on one problem: problem → replicates → moments → measurement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import torch

from benchmarks.machine import timing
from benchmarks.machine.memory_ceiling import memory_ceiling
from benchmarks.machine.process_settings import settings_kept
from benchmarks.measuring import shared_draws
from benchmarks.measuring.arguments import estimator_of
from benchmarks.measuring.cell import Cell, Replicates
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import prepare
from benchmarks.measuring.task import Task, ending, plan_of
from benchmarks.measuring.time_and_memory import time_and_memory
from benchmarks.measuring.written_problems import unwritten
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.objective.program import Strategy, opened
from estimators import Estimator


def measure(
    problem: Problem,
    estimator: Strategy,
    samples: int | Mapping[str, int] = 1,
    replicates: int = 10_000,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str = torch.float64,
    precision: float | None = None,
    timed: bool = True,
    compiled: bool = False,
    memory_limit: int | str | None = None,
    generator: str | None = None,
) -> Measurement:
    """Variance, bias and cost of `estimator` on `problem`, each with its 95 % interval.

    - `problem`: a `Problem`; it is checked and its truth found first, once.
    - `estimator`: an instance, or a registered name, with fields as in "reinforce:baseline=1"; of a
      `Program` also one for each node, such as {"b": "disarm", "z": "pathwise"}.
    - `samples`: K, draws of one estimate; where there are nodes, also K of each.
    - `replicates`: R, independent estimates; at most, with `precision`.
    - `seed`: of all random numbers; the same seed gives the same bits.
    - `device`: "cpu", "cuda" or "cuda:1", or a torch.device.
    - `dtype`: of parameters and gradients, a torch dtype or its name; timing is in float32.
    - `precision`: go on until the variance interval's relative half-width is below it.
    - `timed`: whether seconds and bytes are measured too.
    - `compiled`: try `torch.compile` on the loop that is timed, and on all of a large cell, whose
      gradients are then the same to rounding.
    - `memory_limit`: bytes, or text such as "1GB", that measuring may take beyond what the process
      holds already; half of what is free, unless given. It decides whether a cell is measured,
      never how: what would not fit is refused with the limit that would do.
    - `generator`: "mkl" draws many random numbers at a time with Intel's MKL (the extra `fast`),
      several times as fast: other numbers of the same laws, and another cell in a store.

    A refusal is a Measurement with status "refused", a failure of the estimator one with status
    "error". Raises ProblemError for a mistake in the problem, ValueError or TypeError for an
    argument that cannot be meant.
    """
    problem, estimator, samples = opened(problem, estimator, samples)
    task = Task.of(
        prepare(problem, memory_limit=memory_limit), estimator, samples=samples,
        replicates=replicates, seed=seed, device=device, dtype=dtype, precision=precision,
        memory_limit=memory_limit, generator=generator,
    )  # fmt: skip
    return task.measured(timed, compiled)


def measure_together(tasks: Sequence[Task], timed: bool = True) -> Iterator[Measurement]:
    """The measurements of several estimators of one problem and K, compiled: the same to rounding.

    Large cells that draw the same random numbers share one pass over them, the cost and its
    gradient.
    """
    found: dict[Task, Replicates] = {}
    with settings_kept(), memory_ceiling(), timing.one_thread(), unvalidated():
        large = [task for task in tasks if task.pays(len(tasks))]
        for group in shared_draws.alike(large):
            if len(group) > 1 and group[0].pays(len(group)):
                with suppress(Exception):  # of one of them, which shows when it is measured alone
                    found |= shared_draws.replicate_together(group)
    for task in tasks:
        yield task.measured(timed, compiled=True, found=found.get(task))


def time_measured(
    problem: Problem, estimator: Estimator | str, found: Mapping, compiled: bool = False
) -> dict:
    """What timing adds to the statistics `found` of a cell that was measured without.

    `found` is the cell's record; what comes back are changes to it, a failure included.
    """
    estimator = estimator_of(estimator)
    device, samples = torch.device(found["device"]), found["samples"]
    with settings_kept(), memory_ceiling(), timing.one_thread(), unvalidated():
        try:
            moved = problem.to(device, getattr(torch, found["dtype"]))
            generator = found.get("generator")
            cell = Cell(moved, None, estimator, samples, found["seed"], device, generator=generator)
            plan = plan_of(problem, samples, found["budget"], found["precision"])
            with unwritten(moved):
                return time_and_memory(cell, plan, found, compiled)
        except (Exception, SystemExit) as failure:
            return ending(failure)
