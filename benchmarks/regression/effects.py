"""The effects between a cell's two sides: how far variance and mean have moved, and how surely.

Nothing is tested against a stored constant: both sides bring the summaries of their blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmarks.statistics.intervals import (
    jackknife_variances,
    log_ratio,
    ratio_interval,
    t_quantile,
)
from benchmarks.statistics.moments import Rows
from benchmarks.statistics.paired_tests import (
    MEAN_MARGIN,
    SCREEN,
    VARIANCE_MARGIN,
    mean_change,
    ratio_p,
)

POWER = 0.99
CONFIRM = 1e-3  # level of the confirmation
SCREENS = {"variance": SCREEN, "bias": SCREEN, "speed": 0.05, "memory": SCREEN}  # of the first
MARGINS = {"variance": VARIANCE_MARGIN, "bias": MEAN_MARGIN, "speed": 0.02, "memory": 0.05}
ROUNDING_SD = 1e3  # × eps × ‖mean‖: a standard deviation below it is that of rounding
TESTS_OF_MEAN = 3  # Bonferroni inside `mean_change`


@dataclass(frozen=True)
class Summary:
    """What is known of a cell on one side; `rows` may be sketched, its m2 is [M, 1]."""

    record: Mapping
    jackknife: NDArray | None = None
    rows: Rows | None = None
    truth: NDArray | None = None
    truth_error: NDArray | None = None

    @classmethod
    def of(cls, record: Mapping, blocks: Mapping | None) -> "Summary":
        """From a record and the arrays of its blocks, where there are any."""
        jackknife = record.get("variance_jackknife")
        if jackknife is not None:
            jackknife = np.array(jackknife, dtype=float)
        if blocks is None:
            return cls(record, jackknife)
        count, mean, m2 = (torch.as_tensor(blocks[name]) for name in ("count", "mean", "m2"))
        return cls(
            record,
            jackknife,
            Rows(count, mean, m2.unsqueeze(-1)),
            blocks.get("truth"),
            blocks.get("truth_error"),
        )

    def identical(self, other: "Summary") -> bool:
        """Whether both sides drew the same bits."""
        if not np.array_equal(self.jackknife, other.jackknife):
            return False
        if self.rows is None or other.rows is None:
            return self.record.get("bias2") == other.record.get("bias2")
        return torch.equal(self.rows.mean, other.rows.mean)


class Effect(NamedTuple):
    """How a metric moved; `change` is what the margin is held against."""

    metric: str
    base: float | None
    head: float | None
    change: float
    p: float
    worse: bool
    minimum_effect: float | None
    ratio: tuple[float, float, float] | None = None  # with its 95 % interval
    wall: float | None = None
    margin: float | None = None  # that of the metric, unless given
    half: float | None = None  # half the 95 % interval of `change`, where there is no ratio

    @property
    def material(self) -> float:
        """The change from which on it matters."""
        return MARGINS[self.metric] if self.margin is None else self.margin

    def alarm(self, level: float) -> bool:
        """Whether the change is significant at a level, and material."""
        return self.p < level and abs(self.change) > self.material

    @property
    def reach(self) -> float:
        """The largest change, up or down, in the 95 % interval."""
        if self.ratio is not None:
            return max(abs(end - 1) for end in self.ratio[1:])
        return abs(self.change) + (self.half or 0.0)

    @property
    def suspicious(self) -> bool:
        """Whether it takes a confirmation to decide."""
        return self.alarm(SCREENS[self.metric])


def effects(before: Summary, after: Summary) -> list[Effect]:
    """Both metrics of a cell that is ok on both sides; no bias without the rows of both."""
    found = [variance_effect(before, after)]
    if before.rows is not None and after.rows is not None:
        found.append(bias_effect(before, after))
    return found


def variance_effect(before: Summary, after: Summary) -> Effect:
    """t of the jackknifed log ratio over blocks; variances of nothing but rounding are zero."""
    a, b = after.jackknife, before.jackknife
    values = (_positive(before), _positive(after))
    if not all(values):
        changed = values[0] != values[1]
        change = 0.0 if not changed else np.inf if values[1] else -1.0
        return Effect("variance", *values, change, 0.0 if changed else 1.0, values[1] > 0, None)
    p = ratio_p(a, b)
    paired = log_ratio(a, b)
    ratio = ratio_interval(a, b, float(np.exp(paired.mean)))
    effect = np.expm1(quantiles(paired.df, SCREEN) * paired.error)
    return Effect(
        "variance", *values, ratio.value - 1, p, ratio.value > 1,
        max(float(effect), VARIANCE_MARGIN), tuple(ratio),
    )  # fmt: skip


def bias_effect(before: Summary, after: Summary) -> Effect:
    """The shift of the mean gradient relative to ‖g‖, or to the base's mean without a truth."""
    truth = after.truth
    direction = np.zeros(before.rows.mean.shape[-1]) if truth is None else truth
    scale = _scale(before, truth)
    found = mean_change(before.rows, after.rows, direction, scale)
    shift = (after.rows.mean - before.rows.mean).cpu().numpy()  # [M, P]
    m = len(shift)
    unit = direction / np.linalg.norm(direction) if np.any(direction) else None
    along = shift.var(0, ddof=1).mean() if unit is None else (shift @ unit).var(ddof=1)
    effect = quantiles(m - 1, SCREEN / TESTS_OF_MEAN) * np.sqrt(along / m) / scale
    return Effect(
        "bias", relative_bias(before), relative_bias(after), found.size, found.p,
        truth is None or not nearer(before, after), max(float(effect), MEAN_MARGIN),
        half=float(t_quantile(m - 1) * np.sqrt(along / m) / scale),
    )  # fmt: skip


def nearer(before: Summary, after: Summary) -> bool:
    """Whether the head's mean is nearer to the truth beyond doubt: jackknife over blocks, t < −3.

    Of ‖ḡ_after − g‖² − ‖ḡ_before − g‖². A mean that leaves a truth it agreed with is never nearer.
    """

    def squares(side: Summary) -> tuple[float, NDArray, NDArray]:
        off = side.rows.mean.cpu().numpy() - after.truth
        m, mean = len(off), off.mean(0)
        without = (m * mean - off) / (m - 1)
        noise = off.var(0, ddof=1).sum() / m
        return float(mean @ mean) - noise, np.square(without).sum(1), mean

    (b2, b_without, b_mean), (a2, a_without, a_mean) = squares(before), squares(after)
    d = a_without - b_without
    m = len(d)
    variance = (m - 1) / m * np.square(d - d.mean()).sum()
    variance += 4 * np.square((a_mean - b_mean) * after.truth_error).sum()
    return a2 - b2 < -3 * np.sqrt(variance)


def quantiles(df: float, level: float) -> float:
    """Standard errors at which a two-sided test at `level` has 99 % power."""
    return float(stdtrit(df, 1 - level / 2) + stdtrit(df, POWER))


def halves(summary: Summary) -> list[float]:
    """A/A on a side's own data: p-values of its first rows against as many others.

    Other blocks, the same code: there is nothing to find.
    """
    half = len(summary.rows) // 2
    first, second = summary.rows[:half], summary.rows[half : 2 * half]
    a, b = jackknife_variances(second), jackknife_variances(first)
    direction = np.zeros(first.mean.shape[-1]) if summary.truth is None else summary.truth
    found = [mean_change(first, second, direction, 1.0).p]
    return [ratio_p(a, b), *found] if _positive(summary) and (a > 0).all() and (b > 0).all() else []


def _positive(side: Summary) -> float:
    """The variance, or zero where it is rounding."""
    value, rows = side.record["variance"], side.rows
    if not value or rows is None:
        return value or 0.0
    eps = torch.finfo(getattr(torch, side.record["dtype"])).eps
    floor = ROUNDING_SD * eps * float(rows.mean.mean(0).norm())
    return value if value > floor**2 and (side.jackknife > 0).all() else 0.0


def _scale(before: Summary, truth: NDArray | None) -> float | None:
    """‖g‖, or ‖ḡ‖ of the base with its noise taken out; √V where that is nothing."""
    norm2 = float(truth @ truth) if truth is not None else 0.0
    if truth is None:
        mean = before.rows.mean.cpu().numpy()
        norm2 = float(np.square(mean.mean(0)).sum() - mean.var(0, ddof=1).sum() / len(mean))
    return np.sqrt(norm2) if norm2 > 0 else np.sqrt(before.record["variance"]) or 1.0


def relative_bias(side: Summary) -> float | None:
    """‖E ĝ − g‖ relative to ‖g‖ (√V where g = 0), its noise taken out; None without a truth."""
    squared, norm = side.record.get("bias2"), side.record.get("gradient_norm")
    if squared is None or norm is None or not np.isfinite(squared):
        return None
    scale = norm or np.sqrt(side.record["variance"])
    return float(np.sqrt(max(squared, 0.0)) / scale) if scale else None
