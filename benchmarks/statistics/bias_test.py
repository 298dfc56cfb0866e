"""Bias with its noise taken out, a test of "unbiased", and a limit on what bias is excluded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr, stdtr

from benchmarks.statistics.intervals import Interval, t_quantile
from benchmarks.statistics.moments import Moments, Rows

ALARM = 1e-4  # level of the verdict "biased", before Holm's correction over a report
MATERIAL = 0.05  # "unbiased" means: ‖bias‖ is below this share of ‖g‖


@dataclass(frozen=True)
class Bias:
    """What is known about E ĝ − g. `limit` is relative to ‖g‖ (to √V where g = 0)."""

    squared: Interval
    p: float
    limit: float
    verdict: str
    replicates_to_decide: int | None


def assess(whole: Moments, rows: Rows, truth: NDArray, error: NDArray, eps: float) -> Bias:
    """Everything about the bias of replicates with these moments.

    `truth` and its standard `error` are [P]; `eps` is the rounding of the gradients' dtype.
    """
    n = float(whole.count[0])
    mean, m2, m3 = (t[0].cpu().numpy() for t in (whole.mean, whole.m2, whole.m3))
    variance = m2 / (n - 1)
    rounding = 1e3 * eps * (np.abs(truth) + np.abs(mean) + np.sqrt(variance))
    error = np.hypot(np.hypot(error, rounding), _unseen(mean, variance, truth, n))
    cube = (m2 / n) ** 1.5  # zero also where the variance is below 1e-200
    skew = np.divide(m3 / n, cube, out=np.zeros_like(m3), where=cube > 0)
    squared, noise = _squared(mean - truth, variance / n, error, rows)
    count, shifts = rows.count.cpu().numpy(), rows.mean.cpu().numpy() - truth
    p = test_unbiased(mean - truth, variance, skew, error, n, truth, count, shifts)
    scale = np.linalg.norm(truth)
    relative_to = scale if scale > 3 * np.linalg.norm(error) else np.sqrt(variance.sum())
    if len(mean) == 1:  # two one-sided t tests
        se = np.sqrt(variance / n + error**2)
        furthest = float((np.abs(mean - truth) + t_quantile(n - 1, 0.90) * se)[0])
    else:
        furthest = _limit(squared.value, noise)
    limit = furthest / relative_to if relative_to > 0 else 0.0
    if p < ALARM:
        return Bias(squared, p, limit, "biased", None)
    if limit < MATERIAL:
        return Bias(squared, p, limit, "unbiased", None)
    needed = 25 * variance.sum() / (MATERIAL * relative_to) ** 2
    return Bias(squared, p, limit, "undetermined", int(np.ceil(max(needed, 2 * n))))


def _unseen(mean: NDArray, variance: NDArray, truth: NDArray, n: float) -> float:
    """What an event of probability 1/n, which may not have happened yet, would move a mean by.

    That it is no larger than what the noisiest parameter shows is the best guess; it matters for
    parameters that hardly moved while others did. If nothing moves the estimator is taken to be
    deterministic.
    """
    if (variance <= np.square(1e-14 * mean)).all():
        return 0.0
    return float(np.sqrt(np.maximum(variance + mean**2, truth**2).max()) / n)


def test_unbiased(
    off: NDArray,
    variance: NDArray,
    skew: NDArray,
    error: NDArray,
    n: float,
    direction: NDArray,
    count: NDArray,
    shifts: NDArray,
) -> float:
    """The p-value of E ĝ = g, by Bonferroni over three tests that find different faults.

    `off` = ḡ − g [P] is the mean of n values with this variance and skew, `error` the standard
    error of g; `shifts` [M, P] are the same differences in M rows of `count` replicates.
    """
    return min(
        1.0,
        3
        * min(
            _along(direction, off, error, shifts),
            _largest_t(off, variance, skew, error, n),
            _sign_flip(count, shifts, error),
        ),
    )


test_unbiased.__test__ = False  # pytest would collect it


def _along(direction: NDArray, off: NDArray, error: NDArray, shifts: NDArray) -> float:
    """t of the projection on g over the rows: finds an error of scale."""
    norm = np.linalg.norm(direction)
    if norm == 0:
        return 1.0
    direction = direction / norm
    along = shifts @ direction  # [M]
    se2 = along.var(ddof=1) / len(along) + np.square(direction * error).sum()
    return float(_two_sided(off @ direction / np.sqrt(se2), len(along) - 1)) if se2 > 0 else 1.0


def _largest_t(off: NDArray, variance: NDArray, skew: NDArray, error: NDArray, n: float) -> float:
    """max |t| over parameters with p = max(p_t, p_Hall): finds one wrong coordinate.

    Hall 1992: t + γt²/3√n + γ²t³/27n + γ/6√n is free of the skewness γ to the first order, which
    keeps rare events from alarming.
    """
    se = np.sqrt(variance / n + error**2)
    t = np.divide(off, se, out=np.zeros_like(off), where=se > 0)
    u = skew / np.sqrt(n)
    hall = t + u * t**2 / 3 + u**2 * t**3 / 27 + u / 6
    p = np.maximum(_two_sided(t, n - 1), _two_sided(hall, n - 1))
    return min(1.0, len(off) * float(p.min()))


def _sign_flip(count: NDArray, shifts: NDArray, error: NDArray) -> float:
    """‖Σ_j ± D_j‖² over row sums D_j under random signs: finds dense errors for any P.

    The off-diagonal Gram matrix gives the three moments of its law; Pearson III gives the tail.
    """
    d = count[:, None] * shifts  # [M, P]
    gram = d @ d.T
    spread2 = np.trace(gram) - np.square(d.sum(0)).sum() / len(d)  # of the sums, about their mean
    np.fill_diagonal(gram, 0.0)
    n = count.sum()
    statistic = gram.sum() - n**2 * np.square(error).sum()
    law_variance = 2 * np.square(gram).sum()
    variance = law_variance + 2 * n**4 * (error**4).sum()
    variance += 4 * n**2 * np.max(error**2, initial=0.0) * max(spread2, 0.0)
    if law_variance <= 0:
        return 1.0
    skew = 8 * np.trace(gram @ gram @ gram) / law_variance**1.5
    z = statistic / np.sqrt(variance)
    if skew <= 0:
        return float(ndtr(-z))
    shape = 4 / skew**2
    return float(gammaincc(shape, max(shape + z * np.sqrt(shape), 0.0)))


def _squared(
    off: NDArray, mean_variance: NDArray, error: NDArray, rows: Rows
) -> tuple[Interval, "_Noise"]:
    """‖ḡ − g‖² − tr Σ̂/R − the truth's own squared error, with its interval."""
    centred = rows.mean.cpu().numpy()
    m = len(centred)
    centred = centred - centred.mean(0)
    gram = centred @ centred.T / (m - 1) / m  # nonzero eigenvalues are those of Cov ḡ
    value = float(off @ off - mean_variance.sum() - np.square(error).sum())
    along2 = float(np.square(centred @ off).sum()) / (m - 1) / m + np.square(off * error).sum()
    trace2 = max(float(np.square(gram).sum() - np.trace(gram) ** 2 / (m - 1)), 0.0)
    # ‖gram‖² overstates tr Cov(ḡ)² by (tr Cov)²/(M − 1), the noise of its own estimate
    trace2 = max(trace2, float(np.square(mean_variance).sum())) + (error**4).sum()
    noise = _Noise(
        pure=2 * trace2,
        per_bias2=4 * (float(np.linalg.eigvalsh(gram)[-1]) + np.max(error**2, initial=0.0)),
        df=m - 1,
    )
    half = t_quantile(m - 1) * np.sqrt(4 * along2 + noise.pure)
    return Interval(value, value - half, value + half), noise


@dataclass(frozen=True)
class _Noise:
    """Var(‖bias‖² estimate) ≤ pure + per_bias2 · ‖bias‖²."""

    pure: float
    per_bias2: float
    df: int


def _limit(squared: float, noise: _Noise) -> float:
    """The largest ‖bias‖ that the estimate does not exclude at 95 %, one-sided.

    Solves b² − t √(pure + per_bias2 b²) = estimate for b.
    """
    t = float(t_quantile(noise.df, 0.90))
    # x² − (2e + t²p) x + e² − t² q = 0 for x = b², its larger root
    half = squared + t**2 * noise.per_bias2 / 2
    root = half**2 - squared**2 + t**2 * noise.pure
    return float(np.sqrt(max(half + np.sqrt(max(root, 0.0)), 0.0)))


def _two_sided(t: float | NDArray, df: float) -> float | NDArray:
    return 2 * stdtr(df, -np.abs(t))
