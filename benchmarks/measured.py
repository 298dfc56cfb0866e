"""Measure one estimator on one problem: problem → replicates → moments → measurement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import torch

from benchmarks import sharing
from benchmarks.cell import Blocks, Cell, Replicates, in_turn
from benchmarks.checks import check, completed
from benchmarks.facts import cost
from benchmarks.measurement import Measurement
from benchmarks.measuring import timing
from benchmarks.pieces import examine
from benchmarks.problem import Problem, unvalidated
from benchmarks.program import Strategy, opened
from benchmarks.task import Task, ending, plan_of
from benchmarks.truth import find_truth
from estimators import Estimator, create


def measure(
    problem: Problem,
    estimator: Strategy,
    samples: int | Mapping[str, int] = 1,
    replicates: int = 10_000,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    precision: float | None = None,
    timed: bool = True,
    compiled: bool = False,
) -> Measurement:
    """Variance, bias and cost of `estimator` on `problem`, each with its 95 % interval.

    `samples` is K, `replicates` R. With `precision`, go on until the variance interval's relative
    half-width is below it or R is reached. If `compiled`, try `torch.compile`: on the loop that is
    timed, and on all of a large cell, whose gradients are then the same to rounding. Of a Program,
    `estimator` may map nodes to estimators, and `samples` nodes to K.

    A refusal is a Measurement with status "n/a", a failure of the estimator one with status
    "error"; a mistake in the problem raises ProblemError, and a nonsensical argument ValueError.
    """
    problem, estimator, samples = opened(problem, estimator, samples)
    problem = completed(problem)
    check(problem)
    examine(problem)
    return measure_checked(
        problem, find_truth(problem), estimator, samples, replicates, seed, device, dtype,
        precision, timed=timed, compiled=compiled,
    )  # fmt: skip


def measure_checked(
    *what, timed: bool = True, compiled: bool = False, spread: Blocks = in_turn
) -> Measurement:
    """`measure`, of a problem that was checked and whose truth is known: `what` `Task.of` takes."""
    return Task.of(*what).measured(timed, compiled, spread)


def measure_together(tasks: Sequence[Task], timed: bool = True) -> Iterator[Measurement]:
    """The measurements of several estimators of one problem and K, compiled: the same to rounding.

    Large cells that draw the same random numbers share one pass over them, the cost and its
    gradient.
    """
    found: dict[Task, Replicates] = {}
    with timing.one_thread(), unvalidated():
        large = [task for task in tasks if task.pays(len(tasks))]
        for group in sharing.alike(large):
            if len(group) > 1 and group[0].pays(len(group)):
                with suppress(Exception):  # of one of them, which shows when it is measured alone
                    found |= sharing.replicate_together(group)
    for task in tasks:
        yield task.measured(timed, compiled=True, found=found.get(task))


def time_measured(
    problem: Problem, estimator: Estimator | str, found: Mapping, compiled: bool = False
) -> dict:
    """What timing adds to the statistics `found` of a cell that was measured without.

    `found` is the cell's record; what comes back are changes to it, a failure included.
    """
    estimator = create(estimator) if isinstance(estimator, str) else estimator
    device, samples = torch.device(found["device"]), found["samples"]
    with timing.one_thread(), unvalidated():
        try:
            moved = problem.to(device, getattr(torch, found["dtype"]))
            cell = Cell(moved, None, estimator, samples, found["seed"], device)
            plan = plan_of(problem, samples, found["budget"], found["precision"])
            return cost(cell, plan, found, compiled)
        except Exception as failure:
            return ending(failure)
