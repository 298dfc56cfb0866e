"""Is a mean of many parameters what it should be? Three tests that find different faults."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr, stdtr

ALARM = 1e-4  # level of the verdicts "biased" and "turned", before Holm's correction over a report
UNSEEN = -np.log(ALARM)  # an event that often in n replicates stays away with probability ALARM


@dataclass(frozen=True)
class Deviation:
    """A mean of n replicates less what it should be, and what is known of its noise."""

    off: NDArray  # [P] mean − hypothesis
    variance: NDArray  # [P] of one replicate
    skew: NDArray  # [P] of one replicate
    error: NDArray  # [P] standard error of the hypothesis; may be the same noise in all parameters
    n: float
    count: NDArray  # [M] replicates in each row
    shifts: NDArray  # [M, P] `off` of each row
    unseen: float = 0.0  # how far an event that has not happened yet would move the mean
    unseen_each: float = 0.0  # the same for one parameter

    def only(self, kept: NDArray) -> "Deviation":
        """The parameters with kept [P] true."""
        names = ("off", "variance", "skew", "error")
        parts = {name: getattr(self, name)[kept] for name in names}
        return replace(self, **parts, shifts=self.shifts[:, kept])


def unbiased_p(
    deviation: Deviation,
    direction: NDArray,
    each: NDArray | None = None,
    together: NDArray | None = None,
    along: NDArray | None = None,
) -> float:
    """The p-value of "the mean is what it should be", by Bonferroni over three tests.

    - `direction` [P]: the gradient, along which an error of scale shows.
    - `each`, `together`, `along`: masks [P] of the parameters that enter the largest t, the sum of
      squares and the projection; all of them by default.
    """
    every = np.ones(len(direction), bool)
    each, together, along = (every if kept is None else kept for kept in (each, together, along))
    smallest = min(
        along_direction(deviation.only(along), direction[along]),
        largest_t(deviation.only(each)),
        sign_flip(deviation.only(together)),
    )
    return min(1.0, 3 * smallest)


def along_direction(deviation: Deviation, direction: NDArray) -> float:
    """t of the projection on a direction [P] over the rows: finds an error of scale."""
    norm = np.linalg.norm(direction)
    if norm == 0:
        return 1.0
    direction = direction / norm
    along = deviation.shifts @ direction  # [M]
    se2 = along.var(ddof=1) / len(along) + deviation.unseen**2
    se2 += np.square(np.abs(direction) @ deviation.error)
    t = deviation.off @ direction / np.sqrt(se2) if se2 > 0 else 0.0
    return float(two_sided(t, len(along) - 1))


def largest_t(deviation: Deviation) -> float:
    """max |t| over parameters with p = max(p_t, p_Hall): finds one wrong coordinate.

    Hall 1992: t + γt²/3√n + γ²t³/27n + γ/6√n is free of the skewness γ to the first order, which
    keeps rare events from alarming.
    """
    if not len(deviation.off):
        return 1.0
    n, off = deviation.n, deviation.off
    se = np.sqrt(deviation.variance / n + deviation.error**2 + deviation.unseen_each**2)
    t = np.divide(off, se, out=np.zeros_like(off), where=se > 0)
    u = deviation.skew / np.sqrt(n)
    hall = t + u * t**2 / 3 + u**2 * t**3 / 27 + u / 6
    p = np.maximum(two_sided(t, n - 1), two_sided(hall, n - 1))
    return min(1.0, len(off) * float(p.min()))


def sign_flip(deviation: Deviation) -> float:
    """‖Σ_j ± D_j‖² over row sums D_j under random signs: finds dense errors for any P.

    The off-diagonal Gram matrix gives the three moments of its law; Pearson III gives the tail.
    """
    d = deviation.count[:, None] * deviation.shifts  # [M, P]
    gram = d @ d.T
    spread2 = np.trace(gram) - np.square(d.sum(0)).sum() / len(d)  # of the sums, about their mean
    np.fill_diagonal(gram, 0.0)
    n, error2 = deviation.count.sum(), np.square(deviation.error).sum()
    statistic = gram.sum() - n**2 * (error2 + np.square(UNSEEN * deviation.unseen))
    law_variance = 2 * np.square(gram).sum()
    variance = law_variance + 2 * n**4 * error2**2 + 4 * n**2 * error2 * max(spread2, 0.0)
    if law_variance <= 0:
        return 1.0
    skew = 8 * np.trace(gram @ gram @ gram) / law_variance**1.5
    z = statistic / np.sqrt(variance)
    if skew <= 0:
        return float(ndtr(-z))
    shape = 4 / skew**2
    return float(gammaincc(shape, max(shape + z * np.sqrt(shape), 0.0)))


def two_sided(t: float | NDArray, df: float) -> float | NDArray:
    """The probability that Student's t is further from 0 than t."""
    return 2 * stdtr(df, -np.abs(t))
