"""Scale and direction of a mean gradient against a true one, exactly or with 95 % intervals.

scale = ⟨E ĝ, g⟩ / ‖g‖², direction bias = min over c ≥ 0 of ‖c E ĝ − g‖ / ‖g‖: sin of the angle.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.bias_test import MATERIAL
from benchmarks.statistics.intervals import Interval, t_quantile
from benchmarks.statistics.mean_tests import ALARM, Deviation, unbiased_p

ROUNDING = 1e-9  # relative; of exact means
NOTHING = 1e-13  # the same, beside the gradients that are averaged


@dataclass(frozen=True)
class Direction:
    """What is known of E ĝ beside g. The verdict is parallel | turned | undetermined | no truth."""

    scale: Interval
    bias: Interval
    verdict: str


NO_TRUTH = Direction(Interval(*[math.nan] * 3), Interval(*[math.nan] * 3), "no truth")


def exact(mean: NDArray, truth: NDArray, size: float) -> Direction:
    """Of an exact mean [P], of gradients of this root mean square `size`, against a gradient [P].

    A mean that is nothing but the rounding of its sum has no direction.
    """
    norm2 = float(truth @ truth)
    if norm2 == 0:
        return NO_TRUTH
    scale = float(mean @ truth) / norm2
    across = float(np.linalg.norm(mean - scale * truth)) / math.sqrt(norm2)
    nothing = np.linalg.norm(mean) <= NOTHING * size
    sine = 1.0 if scale <= 0 or nothing else across / math.hypot(across, scale)
    turned = sine > ROUNDING
    found = Interval(*[sine] * 3)
    return Direction(Interval(*[scale] * 3), found, "turned" if turned else "parallel")


def sampled(rows: NDArray, each: int, truth: NDArray, seen: NDArray) -> Direction:
    """Of the means of M rows [M, P] of `each` replicates against an exact gradient [P].

    Along: the t interval of s_i = ⟨m_i, g⟩ / ‖g‖². Across: r_i = m_i − s_i g, whose mean's square
    has its noise taken out. "turned" is the test of E r = 0 over the parameters that are `seen`
    often enough to be tested, [P] booleans; "parallel" an upper end below 5 %.
    """
    norm2 = float(truth @ truth)
    if norm2 == 0:
        return NO_TRUTH
    m = len(rows)
    along = rows @ truth / norm2
    scale, se = float(along.mean()), float(along.std(ddof=1)) / math.sqrt(m)
    half = float(t_quantile(m - 1)) * se
    found = Interval(scale, scale - half, scale + half)
    across = (rows - along[:, None] * truth) / math.sqrt(norm2)  # relative to ‖g‖
    bias = _sine(found, se, across)
    p = _turned(across[:, seen], each) if seen.any() else 1.0
    if bias.low >= 1 or p < ALARM:
        verdict = "turned"
    else:
        verdict = "parallel" if bias.high < MATERIAL else "undetermined"
    return Direction(found, bias, verdict)


def _sine(scale: Interval, se: float, across: NDArray) -> Interval:
    """The direction bias from tan² = ‖E r‖² / scale², with the interval of both."""
    if scale.high <= 0:
        return Interval(1.0, 1.0, 1.0)
    m = len(across)
    centred = across - across.mean(0)
    gram = centred @ centred.T / (m - 1) / m  # its eigenvalues are those of Cov r̄
    mean = across.mean(0)
    square = float(mean @ mean - np.trace(gram))
    along2 = float(np.square(centred @ mean).sum()) / (m - 1) / m
    trace2 = max(float(np.square(gram).sum() - np.trace(gram) ** 2 / (m - 1)), 0.0)
    t = float(t_quantile(m - 1))
    half = t * math.sqrt(4 * along2 + 2 * trace2)
    s2 = scale.value**2
    if scale.value <= 0:
        return Interval(1.0, 0.0, 1.0)
    tan2 = square / s2
    half = math.hypot(half / s2, 2 * max(tan2, 0.0) * t * se / scale.value)
    high = 1.0 if scale.low <= 0 else _sine_of(tan2 + half)
    return Interval(_sine_of(tan2), _sine_of(tan2 - half), high)


def _sine_of(tan2: float) -> float:
    return math.sqrt(max(tan2, 0.0) / (1 + max(tan2, 0.0)))


def _turned(across: NDArray, each: int) -> float:
    """The p-value of E r = 0 over rows: max |t| and sign flips, Bonferroni over both."""
    m, mean = len(across), across.mean(0)
    off = across - mean
    m2, m3 = np.square(off).sum(0), (off**3).sum(0)
    cube = (m2 / m) ** 1.5
    skew = np.divide(m3 / m, cube, out=np.zeros_like(m3), where=cube > 0)
    rounding = 1e-12 * np.abs(across).max(initial=0.0) + 1e-14
    error = np.full_like(mean, rounding)
    count = np.full(m, float(each))
    deviation = Deviation(mean, m2 / (m - 1), skew, error, m, count, across)
    return unbiased_p(deviation, np.zeros_like(mean))
