"""Things timed in turn within each round, and ratios of their times with intervals."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.statistics.intervals import t_quantile

ROUNDS = 11
SECONDS = 0.05  # of each in each round

Run = Callable[[], int]  # makes some estimates and says how many


class Ratio(NamedTuple):
    """The median of the rounds with a 95 % interval."""

    value: float
    low: float
    high: float


def in_turn(runs: dict[str, Run]) -> dict[str, np.ndarray]:
    """The logarithm of the CPU seconds of one estimate in each round: [rounds]."""
    found = {name: [] for name in runs}
    order = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for name in order.permutation(list(runs)):
            found[name].append(np.log(_seconds(runs[name])))
    return {name: np.array(each) for name, each in found.items()}


def ratio(log_ratio: np.ndarray) -> Ratio:
    """The ratio whose logarithms in each round are given."""
    n = len(log_ratio)
    half = t_quantile(n - 1) * log_ratio.std(ddof=1) * np.sqrt(np.pi / 2 / n)  # of a median
    median = np.median(log_ratio)
    return Ratio(*(float(np.exp(median + side * half)) for side in (0, -1, 1)))


def with_ends(found: Ratio | None) -> str:
    """A ratio as it stands in a table."""
    return "–" if found is None else "{:.3g} [{:.3g}, {:.3g}]".format(*found)


def _seconds(run: Run) -> float:
    made, start = 0, time.process_time()
    while (spent := time.process_time() - start) < SECONDS:
        made += run()
    return spent / made
