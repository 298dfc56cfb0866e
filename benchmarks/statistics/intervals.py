"""95 % intervals of variances and of their ratios and products, on the log scale."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmarks.statistics.tiled_rows import TiledRows

if TYPE_CHECKING:  # reports use the rest without torch
    from benchmarks.statistics.long_vectors import LongRows
    from benchmarks.statistics.moments import Moments, Rows

LEVEL = 0.95
MEAN_ROUNDING = 1e-14  # relative, of float64 means


class Interval(NamedTuple):
    """An estimate `value` with the ends `low` and `high` of its 95 % interval."""

    value: float
    low: float
    high: float


def t_quantile(df: float | NDArray, level: float = LEVEL) -> float | NDArray:
    """The two-sided quantile of Student's t: `df` degrees of freedom, `level` such as 0.95."""
    return stdtrit(np.maximum(df, 1.0), (1 + level) / 2)


def kurtosis(whole: "Moments") -> float:
    """κ = E s² / V² of s = ‖g − ḡ‖²; 1 for a constant s, 3 for one Gaussian parameter."""
    n, square = float(whole.count[0]), float(whole.m2.sum()) ** 2
    return float(whole.q4[0]) * n / square if square > 0 else 1.0


def parameter_kurtosis(whole: "Moments") -> NDArray:
    """κ of each parameter: [P]; 1 where there is no variance."""
    m2, m4 = whole.m2[0].cpu().numpy(), whole.m4[0].cpu().numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(m2**2 > 0, m4 * float(whole.count[0]) / m2**2, 1.0)


def variance_interval(whole: "Moments") -> Interval:
    """tr Cov g by the delta method with the measured variance of s, on the log scale.

    Var(log V̂) = (κ − 1) / R, Student t with Satterthwaite's 2R / (κ − 1) degrees of freedom.
    """
    n = float(whole.count[0])
    value = float(whole.m2.sum()) / (n - 1)
    if value <= (MEAN_ROUNDING * float(whole.mean.norm())) ** 2:
        return Interval(0.0, 0.0, 0.0)  # equal replicates, but for the rounding of their mean
    return _log_t(value, kurtosis(whole), n)


def parameter_variances(whole: "Moments") -> tuple[NDArray, NDArray, NDArray]:
    """The same for each parameter: value, low and high, each [P]."""
    n = float(whole.count[0])
    half = _log_half_width(parameter_kurtosis(whole), n)
    value = whole.m2[0].cpu().numpy() / (n - 1)
    return value, value * np.exp(-half), value * np.exp(half)


def jackknife_variances(rows: "Rows | LongRows") -> NDArray:
    """tr Cov g without each row of the table: [M]."""
    n, q = rows.count.cpu().numpy(), rows.m2.sum(-1).cpu().numpy()
    total = float(n.sum())
    off2 = _distances(rows, n / total)
    whole = q.sum() + (n * off2).sum()
    return (whole - q - total * n / (total - n) * off2) / (total - n - 1)


def _distances(rows: "Rows | LongRows", share: NDArray) -> NDArray:
    """‖mean of a row − mean of all‖², where each row has a `share` [M] of the replicates: [M]."""
    if isinstance(rows.mean, TiledRows):
        return np.square(rows.mean - share @ rows.mean).sum(-1)
    mean = (rows.count.unsqueeze(-1) * rows.mean).sum(0) / float(rows.count.sum())
    return (rows.mean - mean).square().sum(-1).cpu().numpy()


def means_of(rows: "Rows | LongRows") -> "NDArray | TiledRows":
    """The mean of each row, as numpy has it or in tiles: [M, P]."""
    return rows.mean if isinstance(rows.mean, TiledRows) else rows.mean.cpu().numpy()


def snr_interval(rows: "Rows | LongRows") -> Interval:
    """‖E g‖ / √(tr Cov g): its square, without the mean's own noise, by the jackknife over rows.

    Needs a variance above zero. The ends are NaN for fewer than two rows.
    """
    n, mean = rows.count.cpu().numpy(), means_of(rows)
    total = float(n.sum())
    centre = n @ mean / total
    rest = total - n  # without each row: [M]
    q, off2 = rows.m2.sum(-1).cpu().numpy(), np.square(mean - centre).sum(-1)
    variance = float((q + n * off2).sum()) / (total - 1)
    square = float(centre @ centre) / variance - 1 / total
    m = len(n)
    variances = jackknife_variances(rows) if m > 1 else np.zeros(m)
    if not np.all(variances > 0):
        return Interval(max(square, 0.0) ** 0.5, np.nan, np.nan)
    without = centre - (n / rest)[:, None] * (mean - centre)
    left_out = np.square(without).sum(-1) / variances - 1 / rest
    half = t_quantile(m - 1) * left_out.std() * (m - 1) ** 0.5
    ends = (max(end, 0.0) ** 0.5 for end in (square, square - half, square + half))
    return Interval(*ends)


class LogRatio(NamedTuple):
    """The `mean` of log V_a / V_b over blocks, its jackknifed standard `error`, and their `df`."""

    mean: float
    error: float
    df: int


def log_ratio(a: NDArray, b: NDArray) -> LogRatio:
    """The jackknife of log V_a / V_b over blocks.

    `a` and `b` are `jackknife_variances` [M], all above zero, over the same M blocks.
    """
    log = np.log(a / b)
    m = len(log)
    error = np.sqrt((m - 1) / m * np.square(log - log.mean()).sum())
    return LogRatio(log.mean(), error, m - 1)


def ratio_interval(a: NDArray, b: NDArray, value: float) -> Interval:
    """V_a / V_b, paired by block: the jackknife of the log ratio over blocks.

    `a` and `b` are `jackknife_variances` over the same blocks; `value` the ratio of the wholes.
    """
    if len(a) != len(b):
        raise ValueError(f"Blocks must be the same on both sides, not {len(a)} and {len(b)}.")
    if not (np.all(a > 0) and np.all(b > 0)):
        return Interval(value, np.nan, np.nan)
    paired = log_ratio(a, b)
    half = t_quantile(paired.df) * paired.error
    return Interval(value, value * np.exp(-half), value * np.exp(half))


def product_interval(
    variance: float, kappa: float, replicates: int, seconds: float, log_sd: float, rounds: int
) -> Interval:
    """variance × seconds, from the noise of both logs: Welch–Satterthwaite.

    - `variance`, `kappa`, `replicates`: tr Cov g, its κ and the R that both were measured with.
    - `seconds`, `log_sd`, `rounds`: the median time of an estimate, the standard deviation of the
      log of one round's, and the number of rounds.
    """
    of_variance = max(kappa - 1, 2 / replicates) / replicates
    of_seconds = log_sd**2 / rounds * np.pi / 2  # of a median
    df_variance = 2 * replicates / max(kappa - 1, 2 / replicates)
    spread = of_variance + of_seconds
    welch = of_variance**2 / df_variance + of_seconds**2 / max(rounds - 1, 1)
    half = t_quantile(spread**2 / welch if welch > 0 else np.inf) * np.sqrt(spread)
    value = variance * seconds
    return Interval(value, value * np.exp(-half), value * np.exp(half))


def _log_t(value: float, kappa: float, n: float) -> Interval:
    half = float(_log_half_width(np.asarray(kappa), n))
    return Interval(value, value * np.exp(-half), value * np.exp(half))


def _log_half_width(kappa: NDArray, n: float) -> NDArray:
    spread = np.maximum(kappa - 1, 2 / n)  # a constant s still has the noise of the mean
    return t_quantile(2 * n / spread) * np.sqrt(spread / n)
