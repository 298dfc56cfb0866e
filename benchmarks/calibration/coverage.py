"""A1 to A5 and D1: do the intervals contain what they should, and is the rest flagged?"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.calibration import exact_cells
from benchmarks.calibration.repetitions import (
    PUBLISHED,
    Repetition,
    affordable,
    cell,
    measured,
    repeated,
)
from benchmarks.calibration.table import Line, exact, share
from benchmarks.statistics import intervals, paired_tests

FLAGGED = 0.5  # a cell is flagged if more than half of its measurements are
ROUNDS = 9  # of the simulated timings
LOG_SDS = (0.02, 0.15)  # of one round of CPU time: quiet, shared machine
PRECISION = 0.02
CAP = 2_000_000


@dataclass(frozen=True)
class Covered:
    """What is kept of the repetitions of one cell."""

    exact_cell: exact_cells.ExactCell
    covers: list[bool]
    flagged: float
    jackknives: list[np.ndarray]
    works: list[bool]  # whether each variance × seconds interval contains the exact product
    biased: int

    @property
    def coverage(self) -> float:
        """The share of intervals that contain the exact variance."""
        return float(np.mean(self.covers))


def grid(
    quick: bool, seeds: Callable[[int], range], report: Callable[[str], None]
) -> list[Covered]:
    """Repetitions of every cell at R = 10,000."""
    seconds, fewest, most = (0.25, 4, 100) if quick else (8.0, 60, 2000)
    found = []
    for exact_cell in exact_cells.every_cell():
        count = affordable(exact_cell, PUBLISHED, seconds, fewest, most)
        covered = _covered(
            exact_cell, repeated(exact_cell, seeds(count)), np.random.default_rng(count)
        )
        report(f"{exact_cell.name}: {covered.coverage:.3f} of {count}")
        found.append(covered)
    return found


def _covered(exact_cell: exact_cells.ExactCell, repetitions: Iterator[Repetition], rng) -> Covered:
    covers, flags, jackknives, works, biased = [], [], [], [], 0
    for i, repetition in enumerate(repetitions):
        facts = repetition.facts
        covers.append(repetition.covers(exact_cell.variance))
        flags.append(facts["heavy_tailed"])
        jackknives.append(np.array(facts["variance_jackknife"]))
        biased += facts["bias_verdict"] == "biased"
        logs = LOG_SDS[i % 2] * rng.standard_normal(ROUNDS)
        work = intervals.product_interval(
            facts["variance"], repetition.kappa, PUBLISHED, float(np.exp(np.median(logs))),
            float(logs.std(ddof=1)), ROUNDS,
        )  # fmt: skip
        works.append(work.low <= exact_cell.variance <= work.high)  # the exact time is one second
    return Covered(exact_cell, covers, float(np.mean(flags)), jackknives, works, biased)


def lines(cells: list[Covered]) -> Iterator[Line]:
    """A1, A3, A4, F1 and D1 of the grid."""
    calm = [c for c in cells if c.flagged <= FLAGGED]
    what = f"variance intervals that cover, {len(calm)} unflagged of {len(cells)} cells"
    yield share("A1", what, [hit for c in calm for hit in c.covers], 0.945, 0.955)
    outside = [c for c in calm if not share("", "", c.covers, 0.93, 0.97).holds]
    worst = "".join(f"; {c.exact_cell.name}: {c.coverage:.3f}" for c in outside[:3])
    # of 70 cells one may lie outside by chance, which `share` lets happen in 1 %
    allowed = 1 + len(calm) // 50
    yield exact(
        "A1", f"unflagged cells outside 93–97 % by more than their Monte-Carlo error{worst}",
        len(outside), len(calm), allowed, f"≤ {allowed}",
    )  # fmt: skip
    ratios = list(_ratios(calm))
    yield share("A3", "intervals of the ratio of two variances that cover", ratios, 0.92, 0.97)
    works = [hit for c in calm for hit in c.works]
    yield share("A4", "intervals of variance × seconds that cover", works, 0.93, 0.98)
    p = np.array([p for c in calm for p in _independent(c.jackknives)])
    for level, low, high in ((0.05, 0.03, 0.06), (0.01, 0.005, 0.015), (0.001, 0.0, 0.002)):
        yield share(
            "F1", f"A/A with independent seeds: variance changed at p < {level}",
            p < level, low, high,
        )  # fmt: skip
    tests = sum(len(c.covers) for c in cells)
    biased = np.arange(tests) < sum(c.biased for c in cells)
    yield share("D1", "unbiased cells called biased", biased, 0.0, 0.001)


def _ratios(cells: list[Covered]) -> Iterator[bool]:
    """Coverage of the ratio for all pairs of estimators that shared their random numbers."""
    groups = defaultdict(list)
    for c in cells:
        groups[
            c.exact_cell.problem.name, c.exact_cell.samples, len(c.exact_cell.truth.gradient)
        ].append(c)
    for group in groups.values():
        for a, b in combinations(group, 2):
            exact_ratio = a.exact_cell.variance / b.exact_cell.variance
            for one, other in zip(a.jackknives, b.jackknives, strict=False):
                interval = intervals.ratio_interval(one, other, float(one.mean() / other.mean()))
                yield interval.low <= exact_ratio <= interval.high


def _independent(jackknives: list[np.ndarray]) -> Iterator[float]:
    """p-values of "the variance is the same" between repetitions with different seeds."""
    for a, b in zip(jackknives[::2], jackknives[1::2], strict=False):
        yield paired_tests.ratio_p(a, b)


def canary(count: int, seeds: Callable[[int], range]) -> Line:
    """A2: the distribution whose fourth moment is infinite is flagged."""
    flagged = [r.facts["heavy_tailed"] for r in repeated(exact_cells.canary(), seeds(count))]
    return share("A2", "Student-t₃ gradients flagged as heavy-tailed", flagged, 0.95)


def sequential(count: int, quick: bool, seeds: Callable[[int], range]) -> Iterator[Line]:
    """A5: runs that stop at ±2 % still cover, and rarely err by more than 4 %."""
    chosen = [
        exact_cells.normal_quadratic(3.0, "pathwise"),
        exact_cells.normal_quadratic(0.0, "pathwise", 1, 5),
        exact_cells.concrete(0.1),
    ]  # fmt: skip
    if not quick:
        chosen += [
            exact_cells.normal_quadratic(-3.0, "reinforce-loo", 16), exact_cells.log_normal(),
            exact_cells.normal_quadratic(0.0, "reinforce"), exact_cells.rare_events(1),
        ]  # fmt: skip
    covers, errors = [], []
    for exact_cell in chosen:
        for seed in seeds(count):
            found = measured(cell(exact_cell, seed), CAP, PRECISION)
            covers.append(found.covers(exact_cell.variance))
            errors.append(abs(found.facts["variance"] / exact_cell.variance - 1) > 2 * PRECISION)
    yield share("A5", "intervals that cover after stopping at ±2 %", covers, 0.93)
    yield share("A5", "runs stopped at ±2 % that err by more than 4 %", errors, 0.0, 0.005)
