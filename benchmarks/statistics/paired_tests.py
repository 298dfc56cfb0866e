"""Has an estimator changed? Two tables of one cell, row against row: common random numbers.

An alarm needs significance and size: with common random numbers a harmless re-ordering of float32
sums is significant beyond any doubt, and 1e-7 large.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from benchmarks.statistics.intervals import jackknife_variances, log_ratio
from benchmarks.statistics.mean_tests import Deviation, unbiased_p
from benchmarks.statistics.moments import Rows

SCREEN = 1e-3  # level of an alarm; a confirmation on fresh blocks has the same
MEAN_MARGIN = 0.005  # of ‖g‖
VARIANCE_MARGIN = 0.01  # of the variance
EQUAL_MEANS = 1e-13  # relative: what float64 leaves of two equal means


class Change(NamedTuple):
    """A relative change: its `size`, its p-value `p`, and whether it is an `alarm`."""

    size: float
    p: float
    alarm: bool


def variance_change(before: Rows, after: Rows) -> Change:
    """The change of tr Cov g from the table `before` to `after`: t of the jackknifed log ratio over
    rows.

    An alarm needs p < 1e-3 and a change of more than 1 %.
    """
    a, b = jackknife_variances(after), jackknife_variances(before)
    if not (np.all(a > 0) and np.all(b > 0)):
        same = np.all(a <= 0) and np.all(b <= 0)
        return Change(0.0, 1.0, False) if same else Change(np.inf, 0.0, True)
    p = ratio_p(a, b)
    size = float(np.exp(log_ratio(a, b).mean) - 1)
    return Change(size, p, p < SCREEN and abs(size) > VARIANCE_MARGIN)


def ratio_p(a: NDArray, b: NDArray) -> float:
    """The p-value of equal variances: `a`, `b` are `jackknife_variances` over the same blocks."""
    paired = log_ratio(a, b)
    t = paired.mean / np.hypot(paired.error, EQUAL_MEANS)
    return float(2 * stdtr(paired.df, -abs(t)))


def mean_change(before: Rows, after: Rows, gradient: NDArray, scale: float | None = None) -> Change:
    """‖E g_after − E g_before‖ / scale, tested as a bias is.

    - `before`, `after`: tables of the same replicates, row for row.
    - `gradient`: the direction [P] along which a change is looked for above all; zeros for none.
    - `scale`: what the size is relative to; None: ‖gradient‖, and √tr Cov g where that is zero.

    The size has its noise taken out, so it may be zero where p is small. An alarm needs p < 1e-3
    and 0.5 % of the scale.
    """
    base = before.mean.cpu().numpy()
    shift = after.mean.cpu().numpy() - base  # [M, P]
    m = len(shift)
    off, variance = shift.mean(0), shift.var(0, ddof=1)
    rounding = EQUAL_MEANS * np.abs(base).max(0)
    count, no_skew = before.count.cpu().numpy(), np.zeros_like(off)
    p = unbiased_p(Deviation(off, variance, no_skew, rounding, m, count, shift), gradient)
    scale = scale or np.linalg.norm(gradient) or np.sqrt(jackknife_variances(before).mean())
    size = float(np.sqrt(max(off @ off - variance.sum() / m, 0.0)) / scale) if scale > 0 else np.inf
    return Change(size, p, p < SCREEN and size > MEAN_MARGIN)
