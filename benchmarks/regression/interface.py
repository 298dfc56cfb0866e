"""What a revision offers to whoever compares it with another: four functions, plain values out.

`worker.py` of the comparing side calls this module of each side. Later revisions may measure
differently, but they keep these names, arguments and keys; for revisions before them there is
`interface_0_1.py`.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

import estimators
from benchmarks import problems
from benchmarks.machine import timing
from benchmarks.machine.environment import context
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.task import Task, ending, plan_of
from benchmarks.objective.definition import unvalidated
from benchmarks.objective.loading import read_file

TIMED_DTYPES = (torch.float32, torch.float64)  # a cost may hold float64 tensors of its own


def about(plugins: list[str]) -> dict:
    """Names, suites and budgets of what is registered, after running the files `plugins`."""
    for plugin in plugins:
        read_file(Path(plugin))
    names = problems.names()
    return {
        "context": context(),
        "problems": {name: problems.replicates(name) for name in names},
        "suites": {suite: problems.names(suite) for suite in ("quick", "full")},
        "narrow": [name for name in names if problems.is_narrow(name)],
        "also": {name: problems.also(name) for name in names},
        "estimators": {n: type(estimators.create(n)).__module__ for n in estimators.names()},
        "quick": estimators.names("quick"),
        "strategies": True,  # by node are understood
    }


def measure(
    problem: str, estimator: str, samples: int, replicates: int, seed: int, device: str
) -> dict:
    """The record of a cell without timing, and its `blocks`: count [M], mean [M, P], m2 [M]."""
    prepared = _prepared(problem)
    if isinstance(prepared, str):
        return {"status": "error", "reason": prepared}
    try:
        task = Task.of(
            prepared, estimator, samples=samples, replicates=replicates, seed=seed, device=device
        )
        found = task.measured(timed=False)
    except (Exception, SystemExit) as failure:  # a cell that fails is a finding
        return ending(failure)
    record = {k: v for k, v in vars(found).items() if k not in ("parameters", "blocks")}
    if found.status != "ok":
        return record
    known: dict[str, np.ndarray] = found.parameters or {}
    truth = {name: known[name] for name in ("truth", "truth_error") if name in known}
    return record | {"blocks": found.blocks | truth}


def timed_block(
    problem: str, estimator: str, samples: int, replicates: int, device: str
) -> tuple[Callable[[], object], int, int]:
    """A block of gradients to be run again and again, the replicates in it, and its peak bytes.

    In float32 where the problem can. Raises ValueError, with one sentence, where there is none.
    """
    prepared = _prepared(problem)
    if isinstance(prepared, str):
        raise ValueError(prepared)
    subject = prepared.problem
    count = plan_of(subject, samples, replicates, None).block
    for dtype in TIMED_DTYPES:
        try:
            moved = subject.to(device, dtype)
            cell = Cell(moved, None, estimators.create(estimator), samples, 0, torch.device(device))
            fitted = cell.fitted(0, count)
            cell.block(0, 2)
            break
        except (Exception, SystemExit) as failure:
            mistake = ending(failure)["reason"]
    else:
        raise ValueError(mistake)

    def block() -> object:
        return cell.block(0, count, fitted=fitted)

    return block, count, timing.peak_memory(block, torch.device(device))


def run(block: Callable[[], object], repeats: int) -> None:
    """Run a block so many times, as it is run while measuring."""
    with unvalidated():
        for _ in range(repeats):
            block()


@cache
def _prepared(name: str) -> Prepared | str:
    """A problem that may be measured, or the sentence that says why it may not."""
    try:
        return prepare(problems.load(name))
    except (Exception, SystemExit) as mistake:  # whatever it is, it must not stop the others
        return ending(mistake)["reason"]
