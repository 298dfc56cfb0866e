"""Bias with its noise taken out, a test of "unbiased", and a limit on what bias is excluded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.intervals import Interval, t_quantile
from benchmarks.statistics.mean_tests import ALARM, unbiased_p
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.squared_norm import SquaredNorm, squared_norm
from benchmarks.statistics.tail_index import calm_together

MATERIAL = 0.05  # "unbiased" means: ‖bias‖ is below this share of ‖g‖


@dataclass(frozen=True)
class Bias:
    """What is known about E ĝ − g. `limit` is relative to ‖g‖ (to √V where g = 0)."""

    squared: Interval
    p: float  # NaN where tails are too heavy for any test
    limit: float  # NaN where there is nothing that it could be relative to
    verdict: str  # unbiased | biased | undetermined
    replicates_to_decide: int | None


def assess(measured: MeasuredGradient) -> Bias:
    """Everything about the bias.

    Where tails are heavy, only parameters whose own tails are not can show a bias, and nothing is
    called unbiased: what a heavy tail adds to a mean is mostly not seen.
    """
    off, n = measured.mean - measured.truth, measured.n
    norm = squared_norm(
        off, measured.variance / n, measured.means, measured.error, measured.rounding, n
    )
    p = _p(measured, off, norm)
    of_noise = np.sqrt(measured.variance.sum())
    scale = of_noise if measured.gradient_is_zero else np.linalg.norm(measured.truth)
    furthest = _furthest(measured, off, norm)
    limit = furthest / scale if scale > 0 else (np.nan if off.any() else 0.0)
    if p < ALARM:
        return Bias(norm.interval, p, limit, "biased", None)
    if measured.heavy:
        return Bias(norm.interval, p, limit, "undetermined", None)
    if limit < MATERIAL:
        return Bias(norm.interval, p, limit, "unbiased", None)
    needed = 25 * np.square(of_noise / (MATERIAL * scale)) if scale > 0 else 0.0
    return Bias(norm.interval, p, limit, "undetermined", int(np.ceil(max(needed, 2 * n))))


def _p(measured: MeasuredGradient, off: NDArray, norm: SquaredNorm) -> float:
    """The p-value of E ĝ = g, of the parameters whose means can be tested; NaN if there are none.

    A sum over many parameters can be tested though each of them has had few events.
    """
    calm, g = measured.calm, measured.truth
    along = g**2 * measured.variance
    spread = (measured.means @ g).var(ddof=1) / len(measured.means)
    dependence = spread * measured.n / along.sum() if along.sum() > 0 else 1.0
    summed = {
        "along": _summed(measured, along, dependence),
        "together": _summed(measured, measured.variance, norm.dependence),
    }
    if not any(kept.any() for kept in (calm, *summed.values())):
        return np.nan
    return unbiased_p(measured.deviation(off, measured.means - g), g, each=calm, **summed)


def _summed(measured: MeasuredGradient, share: NDArray, dependence: float) -> NDArray:
    """The parameters that may enter a sum with such a `share` [P] of its variance."""
    calm, kurtosis = measured.calm, measured.kurtosis
    light = calm_together(share, kurtosis, dependence, measured.n, calm)
    return np.ones_like(calm) if light and not measured.heavy else calm


def _furthest(measured: MeasuredGradient, off: NDArray, norm: SquaredNorm) -> float:
    """The largest ‖bias‖ that is not excluded at 95 %, rare events included."""
    if len(off) > 1:
        return norm.furthest + measured.missed
    doubt = measured.error**2 + measured.rounding**2  # two one-sided t tests
    se = np.sqrt(measured.variance / measured.n + doubt)[0]
    return float(abs(off[0]) + t_quantile(measured.n - 1, 0.90) * se) + measured.missed
