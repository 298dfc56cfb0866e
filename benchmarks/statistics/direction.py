"""What an optimiser sees of a bias: how long E ĝ is beside g, and how far it is turned from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr

from benchmarks.statistics.bias_test import MATERIAL
from benchmarks.statistics.intervals import (
    Interval,
    jackknife_variances,
    t_quantile,
    variance_interval,
)
from benchmarks.statistics.mean_tests import ALARM, Deviation, largest_t, sign_flip
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.squared_norm import SquaredNorm, squared_norm
from benchmarks.statistics.tail_index import calm_together
from benchmarks.statistics.tiled_rows import TiledRows, outer

NO_DIRECTION = (
    "The true gradient is 0, or cannot be told from 0: it has no direction, and no scale or "
    "direction of an estimate can be held against it."
)


@dataclass(frozen=True)
class Turn:
    """E ĝ as a multiple of g and a part across it, each with its 95 % interval.

    `scale` is ⟨E ĝ, g⟩ / ‖g‖²; `bias` is min over c ≥ 0 of ‖c E ĝ − g‖ / ‖g‖, the sine of the angle
    between them, 1 where that is over 90°.
    """

    scale: Interval
    bias: Interval
    verdict: str  # parallel | turned | undetermined


@dataclass(frozen=True)
class Direction(Turn):
    """The same with `variance_scaled`, tr Cov ĝ / scale²."""

    variance_scaled: Interval


def assess_direction(measured: MeasuredGradient) -> Direction | None:
    """Scale and direction; None where g is 0, by its own error (`NO_DIRECTION` says it in words).

    Where tails are heavy, only parameters whose own tails are not can show a turn, and nothing is
    called parallel.
    """
    if measured.gradient_is_zero:
        return None
    split = _Split.of(measured)
    found = _turn(measured, split)
    scaled = _variance_scaled(measured, split, found.scale)
    return Direction(found.scale, found.bias, found.verdict, scaled)


def assess_turn(measured: MeasuredGradient) -> Turn | None:
    """The same, of replicates whose fourth moments are not known."""
    return None if measured.gradient_is_zero else _turn(measured, _Split.of(measured))


def _turn(measured: MeasuredGradient, split: "_Split") -> Turn:
    sine, furthest = _sine(split)
    p = _p(measured, split)
    verdict = "undetermined"
    if p < ALARM:
        verdict = "turned"
    elif not measured.heavy and furthest + _missed(measured, split) < MATERIAL:
        verdict = "parallel"
    norm = np.linalg.norm(measured.truth)
    half = float(t_quantile(split.df)) * split.along_se
    ends = (split.along, split.along - half, split.along + half)
    return Turn(Interval(*(float(end / norm) for end in ends)), sine, verdict)


@dataclass(frozen=True)
class _Split:
    """A mean along g / ‖g‖ and across it."""

    along: float
    along_se: float
    df: float
    along_rows: NDArray  # [M]
    across: NDArray  # [P]
    across_rows: NDArray | TiledRows  # [M, P]
    across_variance: NDArray  # [P] of the mean
    error: NDArray  # [P] of g, as it enters the mean across
    across2: SquaredNorm | None  # None for a single parameter, which has no across
    covariance: float  # of the mean along, and across in the direction found there

    @classmethod
    def of(cls, measured: MeasuredGradient, kept: NDArray | slice = slice(None)) -> "_Split":
        """The split of the parameters `kept`, of which g must not be 0."""
        g, error = measured.truth[kept], measured.error[kept]
        mean, means, n = measured.mean[kept], measured.means[:, kept], measured.n
        rounding, variance = measured.rounding[kept], measured.variance[kept] / n
        norm, m = float(np.linalg.norm(g)), len(means)
        unit = g / norm if norm > 0 else g
        along, along_rows = float(mean @ unit), means @ unit
        across, across_rows = mean - along * unit, means - outer(along_rows, unit, means)
        ratio = abs(along) / norm if norm > 0 else 1.0
        doubt = np.linalg.norm(error) * np.hypot(ratio, np.linalg.norm(across) / (norm or 1.0))
        doubt = float(np.hypot(doubt, np.linalg.norm(rounding)))
        with_along = (along_rows - along_rows.mean()) @ (means - means.mean(0)) / (m - 1) / m
        own = float(variance[0]) if len(g) == 1 else float(along_rows.var(ddof=1)) / m
        spread = np.maximum(variance - 2 * unit * with_along + unit**2 * own, 0.0)  # [P]
        parts = (along, float(np.hypot(np.sqrt(own), doubt)))
        rest = (along_rows, across, across_rows, spread, np.hypot(ratio * error, rounding))
        if len(g) == 1:
            return cls(*parts, n - 1, *rest, None, 0.0)
        across2 = squared_norm(across, spread, across_rows, ratio * error, rounding, n)
        room = np.sqrt(max(across2.value, np.sqrt(across2.pure), 0.0))
        found = float((with_along - own * unit) @ across / room) if room > 0 else 0.0
        most = np.sqrt(own * across2.per / 4)
        return cls(*parts, m - 1, *rest, across2, float(np.clip(found, -most, most)))


def _sine(split: _Split) -> tuple[Interval, float]:
    """The sine of the angle with its interval, and the largest that is not excluded.

    The interval is every angle θ whose cos² ‖across‖² − sin² along², 0 at the true θ, is within
    t standard errors of it: those at θ, not those at the estimate. One parameter has no angle but
    0 and 180°.
    """
    if split.across2 is None:
        return _sign(split)
    x, y = split.across2.value, split.along**2 - split.along_se**2
    if split.along <= 0:
        value, high = 1.0, 1.0
    else:
        total = max(x, 0.0) + split.along**2
        value = float(np.sqrt(max(x, 0.0) / total))
        high = _end(split, max(x, 0.0), y, value, 1)
    away = split.along < -float(t_quantile(split.df)) * split.along_se
    low = 1.0 if away else _end(split, x, y, value, -1)
    return Interval(value, min(low, value), max(high, value)), high


def _end(split: _Split, x: float, y: float, value: float, sign: int) -> float:
    """The end of the interval below (sign −1) or above the sine `value`."""
    across, t = split.across2, float(t_quantile(split.df))
    total, along2 = max(x + y, 0.0), split.along_se**2

    def excess(angle: float) -> float:
        c, s = np.cos(angle), np.sin(angle)
        variance = (
            c**4 * (across.pure + across.per * s**2 * total)
            + s**4 * (4 * c**2 * total * along2 + 2 * along2**2)
            - 8 * (c * s) ** 3 * total * split.covariance
        )
        return sign * (s**2 * y - c**2 * x) - t * np.sqrt(max(variance, 0.0))

    start, end = np.arcsin(value), (np.pi / 2 if sign > 0 else 0.0)
    if excess(end) <= 0:
        return float(np.sin(end))
    if excess(start) >= 0:
        return value
    return float(np.sin(brentq(excess, start, end, xtol=1e-12)))


def _sign(split: _Split) -> tuple[Interval, float]:
    """The "angle" of one parameter: 0 if E ĝ has the sign of g, else 1."""
    half = float(t_quantile(split.df)) * split.along_se
    value = 0.0 if split.along > 0 else 1.0
    low = 1.0 if split.along <= -half else 0.0
    high = 0.0 if split.along > half else 1.0
    return Interval(value, min(low, value), high), high


def _missed(measured: MeasuredGradient, split: _Split) -> float:
    """How far an event that 5 % of runs miss would turn E ĝ."""
    if split.across2 is None:  # it would have to change the sign
        return 0.0 if measured.missed < abs(split.along) else 1.0
    return measured.missed / abs(split.along) if split.along else 1.0


def _p(measured: MeasuredGradient, split: _Split) -> float:
    """The p-value of "E ĝ is c g for some c ≥ 0".

    Bonferroni over: it points away; one parameter is off; many are off by a little. They are of
    the parameters with light tails, split anew: across g, a heavy tail would be in all of them.
    """
    calm = measured.calm
    if not calm.any():
        return 1.0
    light = split if calm.all() else _Split.of(measured, calm)
    away = light.along / np.hypot(light.along_se, measured.unseen) if light.along else 0.0
    p = [float(stdtr(light.df, away))]
    across = _across(measured, light) if light.across2 is not None else None
    if across is not None:
        p.append(largest_t(across))
    wide = light
    if split.across2 is not None and not measured.heavy and np.all(measured.tested):
        share, dependence = split.across_variance, split.across2.dependence
        if calm_together(share, measured.kurtosis, dependence, measured.n, calm):
            wide = split
    if wide.across2 is not None:
        p.append(sign_flip(across if wide is light else _across(measured, wide)))
    return min(1.0, 3 * min(p))


def _across(measured: MeasuredGradient, split: _Split) -> Deviation:
    """The mean across g, which should be 0, to be tested: its rows are the sample."""
    rows = split.across_rows
    centred = rows - rows.mean(0)
    square = np.square(centred)
    m2 = square.mean(0)
    cube = m2**1.5
    skew = np.divide((square * centred).mean(0), cube, out=np.zeros_like(m2), where=cube > 0)
    noise = {"variance": m2 * len(rows) / (len(rows) - 1), "skew": skew, "n": len(rows)}
    return measured.deviation(split.across, rows, error=split.error, **noise)


def _variance_scaled(measured: MeasuredGradient, split: _Split, scale: Interval) -> Interval:
    """tr Cov ĝ / scale², from the intervals of both on the log scale (MOVER: Zou & Donner 2008).

    Their correlation is that of the jackknife over rows. The upper end is infinite where the scale
    cannot be told from 0.
    """
    variance = variance_interval(measured.whole)
    if scale.value == 0 or variance.value == 0:
        unknown = np.nan if scale.value == 0 else 0.0
        return Interval(unknown, unknown, unknown)
    value = variance.value / scale.value**2
    correlation = _correlation(measured, split)
    longer = 2 * np.log(max(abs(scale.low), abs(scale.high)) / abs(scale.value))
    below = _distance(np.log(variance.value / variance.low), longer, correlation)
    if scale.low <= 0 <= scale.high:
        return Interval(value, float(value * np.exp(-below)), np.inf)
    shorter = 2 * np.log(abs(scale.value) / min(abs(scale.low), abs(scale.high)))
    above = _distance(np.log(variance.high / variance.value), shorter, correlation)
    return Interval(value, float(value * np.exp(-below)), float(value * np.exp(above)))


def _distance(a: float, b: float, correlation: float) -> float:
    return float(np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0)))


def _correlation(measured: MeasuredGradient, split: _Split) -> float:
    """That of log V̂ and log |scale|, from both without each row."""
    count, along = measured.count, split.along_rows
    total = count.sum()
    without = ((count @ along) - count * along) / (total - count)
    variances = jackknife_variances(measured.rows)
    if not (np.all(variances > 0) and without.std() > 0 and variances.std() > 0):
        return 0.0
    return float(np.corrcoef(variances, np.sign(split.along) * without)[0, 1])
