"""Speed and memory: two persistent workers, measured in random order within each pair.

The launch is the unit: launches of one program differ by more than the pairs within, so each gives
one median of log ratios and the test is over launches. Both workers of a launch share a processor:
where the system places them, launches differ by several times as much.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from benchmarks.machine import timing
from benchmarks.regression.effects import MARGINS, SCREENS, Effect, quantiles
from benchmarks.regression.worktrees import Code, Worker, WorkerKilled, workers
from benchmarks.running.cell_spec import CellSpec
from benchmarks.statistics.intervals import t_quantile

RUN_SECONDS = 4e-3  # of one measurement; shorter ones drown in the clock


class CellSpeed(NamedTuple):
    """One launch of a cell: medians over its pairs; seconds per estimate, bytes per block."""

    cpu_log_ratio: float
    wall_log_ratio: float
    base_seconds: float
    head_seconds: float
    base_bytes: int
    head_bytes: int


class Effort(NamedTuple):
    """How many fresh launches, and pairs in each."""

    launches: int
    pairs: int


SCREENING = Effort(5, 15)
CONFIRMING = Effort(10, 31)  # of suspects alone


def launches(
    sides: Sequence[Code],
    cells: Sequence[CellSpec],
    effort: Effort,
    device: str,
    seed: int,
    starting: Callable[[str], None] = lambda cell: None,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> dict[CellSpec, list[CellSpeed]]:
    """Every cell in each of the fresh launches; cells that cannot be timed are left out.

    Which side starts first, and which of a pair is measured first, is drawn anew each time. Where
    `seconds` are few, the first launch takes the cells in the order given until its share is over,
    and the others take those that it reached.
    """
    rng = np.random.default_rng([seed, *effort])
    found: dict[CellSpec, list[CellSpeed]] = {cell: [] for cell in cells}
    processors = sorted(timing.processors())
    start, reached = clock(), range(len(cells))
    for launch in range(effort.launches):
        order = rng.permutation(2)
        cpu = int(rng.choice(processors)) if processors else None  # one for both
        with workers(*(sides[i] for i in order), cpu=cpu) as started:
            both = [started[list(order).index(side)] for side in (0, 1)]
            for worker in both:
                worker.load()
            within = launch == 0 and seconds < math.inf
            for i in reached if within else rng.permutation(reached):
                if within and clock() - start > seconds / effort.launches:
                    reached = range(i)
                    break
                starting(str(cells[i]))
                try:
                    speed = pairs(both, cells[i], effort.pairs, device, rng)
                except WorkerKilled:  # by the cell; the others go on
                    speed = None
                    for worker in both:
                        worker.restart()
                if speed is not None:
                    found[cells[i]].append(speed)
    return {cell: each for cell, each in found.items() if len(each) == effort.launches}


def pairs(
    both: Sequence[Worker], cell: CellSpec, count: int, device: str, rng: np.random.Generator
) -> CellSpeed | None:
    """The pairs of one cell in one launch, after an untimed warm-up of both."""
    problem, estimator, samples, replicates = cell
    ready = [
        worker(
            "prepare", problem=problem, estimator=estimator, samples=samples,
            replicates=replicates, device=device,
        )
        for worker in both
    ]  # fmt: skip
    if any("mistake" in side for side in ready) or ready[0]["count"] != ready[1]["count"]:
        return None
    once = max(min(side["seconds"] for side in ready), 1e-7)
    repeats = max(1, round(RUN_SECONDS / once))  # the same for both
    times = np.empty((count, 2, 2))  # pair, side, clock
    for pair in times:
        for side in rng.permutation(2):
            taken = both[side]("time", repeats=repeats)
            pair[side] = taken["cpu"], taken["wall"]
    cpu, wall = np.median(np.log(times[:, 1] / times[:, 0]), 0)
    seconds = np.median(times[:, :, 0], 0) / repeats / ready[0]["count"]
    return CellSpeed(
        float(cpu), float(wall), *map(float, seconds), *(int(side["peak"]) for side in ready)
    )


def speed_effect(each: Sequence[CellSpeed]) -> Effect:
    """t of the log ratio of CPU time over launches."""
    cpu, wall, base, head, *_ = map(np.array, zip(*each, strict=True))
    p, ratio, se = over_launches(cpu)
    effect = float(np.expm1(quantiles(len(cpu) - 1, SCREENS["speed"]) * se))
    return Effect(
        "speed", float(np.median(base)), float(np.median(head)), ratio[0] - 1, p, ratio[0] > 1,
        max(effect, MARGINS["speed"]), ratio, float(np.exp(wall.mean())),
    )  # fmt: skip


def over_launches(log_ratios: np.ndarray) -> tuple[float, tuple[float, float, float], float]:
    """p of "equally fast", the ratio with its 95 % interval, and the standard error of its log."""
    m, mean = len(log_ratios), log_ratios.mean()
    se = max(log_ratios.std(ddof=1) / np.sqrt(m), 1e-6)
    half = t_quantile(m - 1) * se
    p = float(2 * stdtr(m - 1, -abs(mean) / se))
    return p, tuple(float(np.exp(mean + d)) for d in (0.0, -half, half)), float(se)


def memory_effect(each: Iterable[CellSpeed]) -> Effect:
    """Peak bytes of a block; the same whenever it is counted, so there is nothing to test."""
    *_, base, head = map(np.array, zip(*each, strict=True))
    before, after = float(np.median(base)), float(np.median(head))
    ratio = after / before if before else 1.0
    p = 0.0 if before != after else 1.0
    return Effect(
        "memory", before, after, ratio - 1, p, after > before, None, (ratio, ratio, ratio)
    )
