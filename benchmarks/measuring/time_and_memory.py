"""Seconds and bytes of an estimate, and variance × seconds."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.machine import timing
from benchmarks.measuring import compiled_blocks
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.shared_fits import can_share
from benchmarks.objective.definition import ProblemError
from benchmarks.statistics import intervals
from benchmarks.statistics.stopping import Plan

TIMED_DTYPE = torch.float32
FEW = 16  # replicates that are timed at least
LONGEST = 0.02  # seconds of a block to be timed again and again; of a longer one, a part is


def time_and_memory(cell: Cell, plan: Plan, found: Mapping, compiled: bool = False) -> dict:
    """Seconds and bytes of an estimate, and variance × seconds: `found` has the variance.

    If `compiled`, of the loop under `torch.compile`, where that is quicker.
    """
    fast = Cell(
        cell.problem.to(cell.device, TIMED_DTYPE), None, cell.estimator, cell.samples, cell.seed,
        cell.device, generator=cell.generator,
    )  # fmt: skip
    size = timed_block(min(plan.block, plan.replicates), found["evaluations"] / cell.samples)
    try:
        timed, peak, compile_seconds = timings(fast, size, compiled)
    except (RuntimeError, ProblemError):  # functions that hold float64 tensors of their own
        timed, peak, compile_seconds = timings(cell, size, compiled)
    work = intervals.product_interval(
        found["variance"], found["kurtosis"], found["replicates"], timed.seconds, timed.log_sd,
        timed.rounds,
    )  # fmt: skip
    return {
        "seconds": timed.seconds,
        "seconds_low": timed.low,
        "seconds_high": timed.high,
        "gradients_per_second": 1 / timed.seconds,
        "compile_seconds": compile_seconds,
        "peak_memory_bytes": peak,
        "work_variance": work.value,
        "work_variance_low": work.low,
        "work_variance_high": work.high,
    }


def timings(cell: Cell, size: int, compiled: bool) -> tuple[timing.Timing, int, float]:
    """The seconds of an estimate, the bytes of a block of `size` replicates, those of compiling."""
    block = ready(cell, size)
    timing.peak_memory(lambda: torch.zeros(1), cell.device)  # imports a second's worth, once
    start = time.thread_time()
    peak = timing.peak_memory(lambda: block(cell.unjoined), cell.device)
    seconds = time.thread_time() - start
    if seconds > LONGEST:
        size = max(min(size, FEW), int(size * LONGEST / seconds))
        block = ready(cell, size)
    fast, spent = compiled_blocks.compiled(cell, block) if compiled else (cell, math.nan)
    work = cell.unjoined if fast is cell else fast
    timed = timing.time_block(lambda: block(work), size, cell.device)
    return timed, peak, math.nan if fast is cell else spent


def ready(cell: Cell, size: int) -> Callable[..., Tensor]:
    """Makes blocks of `size` replicates of a cell; what it learns is learned before.

    One fit of one step has to do: the work of an estimate does not depend on what was learned.
    """
    if cell.estimator.config.get("fit_steps"):
        cell = replace(cell, estimator=replace(cell.estimator, fit_steps=1))
    fitted = cell.fitted(0, 1 if can_share(cell.estimator) else size)
    if can_share(cell.estimator):
        fitted = fitted.serving(torch.zeros(size, dtype=torch.int64))
    return lambda cell, index=0: cell.block(index, size, fitted=fitted)


def timed_block(block: int, evaluations: float) -> int:
    """The replicates to time at once: fewer where each evaluates the cost many times a sample.

    Such an estimate is a batch in itself, and a whole block of them would take seconds.
    """
    return max(min(block, FEW), int(block * min(1.0, 4 / max(evaluations, 1.0))))
