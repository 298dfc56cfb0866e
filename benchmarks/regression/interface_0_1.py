"""`interface.py` for revisions before there was one: the same functions by their modules' paths.

`worker.py` runs this file by its path, with the old checkout first on the path. What no commit of
version 0.1 needs any longer goes with it.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

import estimators
from benchmarks import cell, measured, problem, problems, sources
from benchmarks.checks import check
from benchmarks.context import context
from benchmarks.measuring import timing
from benchmarks.measuring.stopping import Plan
from benchmarks.truth import find_truth

TIMED_DTYPES = (torch.float32, torch.float64)


def about(plugins: list[str]) -> dict:
    """See `interface.about`."""
    for plugin in plugins:
        sources.read_file(Path(plugin))
    names = problems.names()
    is_narrow = getattr(problems, "is_narrow", lambda name: False)  # unknown to the oldest
    return {
        "context": context(),
        "problems": {name: problems.replicates(name) for name in names},
        "suites": {suite: problems.names(suite) for suite in ("quick", "full")},
        "narrow": [name for name in names if is_narrow(name)],
        "also": {name: problems.also(name) for name in names},
        "estimators": {n: type(estimators.create(n)).__module__ for n in estimators.names()},
    }


def measure(
    problem: str, estimator: str, samples: int, replicates: int, seed: int, device: str
) -> dict:
    """See `interface.measure`."""
    mistake, subject, truth = _subject(problem)
    if mistake:
        return {"status": "error", "reason": mistake}
    try:
        found = measured.measure_checked(
            subject, truth, estimator, samples, replicates, seed, device, torch.float64, timed=False
        )
    except Exception as failure:
        return {"status": "error", "reason": _sentence(failure)}
    record = {k: v for k, v in vars(found).items() if k not in ("parameters", "blocks")}
    if found.status != "ok":
        return record
    blocks = getattr(found, "blocks", None)  # absent from the oldest
    blocks = blocks or _blocks(subject, estimator, samples, replicates, seed, device)
    known = getattr(found, "parameters", None) or {}
    truths = {name: known[name] for name in ("truth", "truth_error") if name in known}
    return record | {"blocks": blocks | truths}


def timed_block(
    problem: str, estimator: str, samples: int, replicates: int, device: str
) -> tuple[Callable[[], object], int, int]:
    """See `interface.timed_block`."""
    mistake, subject, _ = _subject(problem)
    if mistake:
        raise ValueError(mistake)
    count = Plan.of(replicates, subject.numbers(samples)).block
    for dtype in TIMED_DTYPES:
        try:
            one = _cell(subject.to(device, dtype), estimator, samples, 0, device)
            fitted = one.fitted(0, count)
            one.block(0, 2)
            break
        except Exception as failure:
            mistake = _sentence(failure)
    else:
        raise ValueError(mistake)

    def block() -> object:
        return one.block(0, count, fitted=fitted)

    return block, count, timing.peak_memory(block, torch.device(device))


def run(block: Callable[[], object], repeats: int) -> None:
    """See `interface.run`."""
    with problem.unvalidated():
        for _ in range(repeats):
            block()


@cache
def _subject(name: str) -> tuple:
    try:
        loaded = problems.load(name)
        check(loaded)
        return None, loaded, find_truth(loaded)
    except Exception as mistake:
        return _sentence(mistake), None, None


def _cell(subject, estimator: str, samples: int, seed: int, device: str) -> cell.Cell:
    made = estimators.create(estimator)
    return cell.Cell(subject, None, made, samples, seed, torch.device(device))


def _blocks(subject, estimator, samples, replicates, seed, device) -> dict:
    one = _cell(subject.to(device, torch.float64), estimator, samples, seed, device)
    rows = cell.replicate(one, Plan.of(replicates, subject.numbers(samples))).table.rows
    found = {"count": rows.count, "mean": rows.mean, "m2": rows.m2.sum(-1)}
    return {name: value.cpu().numpy() for name, value in found.items()}


def _sentence(failure: Exception) -> str:
    first = (str(failure).strip().splitlines() or ["no message"])[0]
    return f"{type(failure).__name__}: {first}"
