"""What an estimate costs, from one pass or two: enough to see who is many times dearer."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import timing
from benchmarks.measuring.cell import Cell, Counts
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.time_and_memory import FEW, TIMED_DTYPE, ready, timed_block
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.elimination import TIMING
from benchmarks.statistics.stopping import Plan

ENOUGH = 0.01  # seconds of a pass in which the overhead of a call is small
LONG = 0.1  # seconds of the replicates from which they are the timing themselves
PATIENCE = 5  # times LONG that is waited for a cost that sleeps, or on a busy machine
OTHER_DTYPE = 2.0  # times the noise of a timing: float64 where the others are timed in float32
TURNS = 2  # of timing in turns
TOGETHER = 0.1  # standard error of the log of a timing in turns, against the others of the turn
NORMAL = 1.96


class ClockedBlocks:
    """Blocks in turn, as `cell.in_turn` makes them, and how long they took.

    `seconds` are the processor's, `waited` those on the wall.
    """

    def __init__(self):
        self.seconds = self.waited = 0.0

    def __call__(self, cell: Cell, sizes: Iterable[int]) -> Iterator[tuple[Tensor, Counts]]:
        """The gradients of each block and what its cost counted."""
        for index, size in enumerate(sizes):
            start, begun = time.thread_time(), time.perf_counter()
            block = cell.counted(index, size)
            self.seconds += time.thread_time() - start
            self.waited += time.perf_counter() - begun
            yield block


class Pass(NamedTuple):
    """A block of `size` estimates, ready to be timed again."""

    block: Callable[[], Tensor]
    size: int
    device: torch.device

    def seconds(self) -> float:
        """Processor seconds of an estimate, now."""
        return max(timing.elapsed(self.block, 1, self.device), 1e-9) / self.size


def timed_quickly(
    cell: Cell, found: Measurement, plan: Plan, blocks: ClockedBlocks, known: Pass | None = None
) -> tuple[dict[str, float], Pass | None]:
    """Seconds of an estimate and variance × seconds, with intervals, as changes to `found`.

    - `plan`: of the whole measurement, whose blocks are timed as far as that is cheap.
    - `blocks`: which made the replicates of `found`.
    - `known`: what was timed before, to be timed again.

    With them, what was timed; None where it was the replicates themselves, as they take long.
    """
    if known is not None:
        return changes(found, known.seconds(), TIMING), known
    spent = max(blocks.seconds, 1e-9)
    if max(spent, blocks.waited / PATIENCE) > LONG:
        if cell.learns:
            block = ready(cell, found.replicates)
            spent = timing.elapsed(lambda: block(cell), 1, cell.device)
        return changes(found, spent / found.replicates, OTHER_DTYPE * TIMING), None
    size = timed_block(min(plan.block, plan.replicates), found.evaluations / cell.samples)
    at_first = FEW if cell.learns else int(ENOUGH * found.replicates / spent)
    fast = Cell(
        cell.problem.to(cell.device, TIMED_DTYPE), None, cell.estimator, cell.samples, cell.seed,
        cell.device, generator=cell.generator,
    )  # fmt: skip
    try:
        one = _sized(fast, at_first, size)
    except RuntimeError:  # a cost that holds float64 tensors of its own
        one = _sized(cell, at_first, size)
    with timing.pinned():
        return changes(found, one.seconds(), TIMING), one


def timed_together(passes: Sequence[Pass]) -> list[float]:
    """Seconds of an estimate of each, in turns, so that the machine's moods are shared by all."""
    logs = np.zeros(len(passes))
    with timing.pinned(), timing.one_thread(), unvalidated():
        for _ in range(TURNS):
            logs += [math.log(one.seconds()) for one in passes]
    return np.exp(logs / TURNS).tolist()


def changes(found: Measurement, seconds: float, error: float) -> dict[str, float]:
    """The columns that follow from `seconds` of an estimate and the standard error of its log."""
    half = NORMAL * error
    of_variance = (
        math.log(found.variance_high / found.variance_low) / 2 if found.variance_low > 0 else 0.0
    )
    work, wide = found.variance * seconds, math.hypot(half, of_variance)
    return {
        "seconds": seconds,
        "seconds_low": seconds * math.exp(-half),
        "seconds_high": seconds * math.exp(half),
        "gradients_per_second": 1 / seconds,
        "work_variance": work,
        "work_variance_low": work * math.exp(-wide),
        "work_variance_high": work * math.exp(wide),
    }


def _sized(cell: Cell, size: int, most: int) -> Pass:
    """Blocks of `size` estimates, or so many more, at most `most`, that they take long enough.

    The first pass of each size fills caches, and tells whether there should be more.
    """
    size = max(min(size, most), min(most, FEW))
    while True:
        block = partial(ready(cell, size), cell.unjoined)
        once = timing.elapsed(block, 1, cell.device)
        if once > ENOUGH / 2 or size == most:
            return Pass(block, size, cell.device)
        size = min(most, size * max(2, min(16, int(ENOUGH / max(once, 1e-9)))))
