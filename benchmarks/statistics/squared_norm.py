"""‖E v‖² of a noisy vector v, with the noise taken out, its interval and an upper limit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.intervals import Interval, t_quantile


@dataclass(frozen=True)
class SquaredNorm:
    """An unbiased estimate x of X = ‖E v‖², whose variance is `pure` + `per` X."""

    value: float
    pure: float
    per: float  # along the direction that was found
    most: float  # along the noisiest direction
    df: float  # degrees of freedom of the noise's own estimate
    dependence: float  # tr Cov² over that of independent parameters

    @property
    def interval(self) -> Interval:
        """Every X with |x − X| ≤ t √(pure + per X): the noise is that of X, not of x.

        For one parameter without bias that covers 94.8 %; x ± t √(pure + per x) would cover all.
        """
        t, x = float(t_quantile(self.df)), self.value
        low = self._root(x, t, self.per, -1) if x >= t * self.pure**0.5 else x - t * self.pure**0.5
        high = self._root(x, t, self.per, 1) if x > -t * self.pure**0.5 else x + t * self.pure**0.5
        return Interval(x, min(low, x), max(high, x))

    @property
    def furthest(self) -> float:
        """The largest ‖E v‖ that is not excluded at 95 %, one-sided.

        An estimate below zero is luck: it excludes no more than zero would.
        """
        t = float(t_quantile(self.df, 0.90))
        return float(np.sqrt(self._root(max(self.value, 0.0), t, self.most, 1)))

    def _root(self, x: float, t: float, per: float, sign: int) -> float:
        """A root X of (x − X)² = t² (pure + per X)."""
        inner = self.pure + per * x + (t * per / 2) ** 2
        return x + t**2 * per / 2 + sign * t * float(np.sqrt(max(inner, 0.0)))


def squared_norm(
    mean: NDArray, mean_variance: NDArray, rows: NDArray, error: NDArray, rounding: NDArray, n: int
) -> SquaredNorm:
    """‖mean‖² without its noise.

    - `mean` [P] of n replicates, with `mean_variance` [P], the squares of its standard errors.
    - `rows` [M, P]: means of n / M replicates each.
    - `error` [P]: standard error of what was subtracted from all; its square is taken out too. Its
      noise may be one and the same in all parameters.
    - `rounding` [P]: how far floating point may be off; it only widens the interval.
    """
    m, parameters = rows.shape
    centred = rows - rows.mean(0)
    gram = centred @ centred.T / (m - 1) / m  # nonzero eigenvalues are those of Cov mean
    noise, error2 = float(mean_variance.sum()), float(np.square(error).sum())
    diagonal2 = float(np.square(mean_variance).sum())
    value = float(mean @ mean - noise - error2)
    if parameters == 1:
        trace2, along, largest = noise**2, noise, noise
    else:
        trace2 = diagonal2 + _off_diagonal2(centred, gram)
        largest = float(np.linalg.eigvalsh(gram)[-1])
        along = _along(mean, value, centred, trace2, gram)
    doubt2 = error2 + np.square(rounding).sum()
    pure = 2 * (trace2 + doubt2**2) + 4 * doubt2 * largest
    df = n - 1 if parameters == 1 else m - 1
    dependence = trace2 / diagonal2 if diagonal2 > 0 else 1.0
    return SquaredNorm(
        value, float(pure), 4 * (along + doubt2), 4 * (largest + doubt2), df, dependence
    )


def _off_diagonal2(centred: NDArray, gram: NDArray) -> float:
    """Σ_{i≠j} Cov(mean)_ij²: the trace of the squared covariance less its diagonal.

    ‖gram‖² overstates tr Cov² by (tr Cov)²/(M − 1), the noise of its own estimate; exact for
    normal rows.
    """
    df = len(gram) - 1
    own = np.square(np.square(centred).sum(0) / df / len(gram)).sum() * df / (df + 2)
    whole = np.square(gram).sum() - np.trace(gram) ** 2 / df
    return max(float(whole * df**2 / ((df - 1) * (df + 2)) - own), 0.0)


def _along(mean: NDArray, value: float, centred: NDArray, trace2: float, gram: NDArray) -> float:
    """bᵀ Cov b / ‖b‖² along b = E v: from the mean that was found, less what its noise adds.

    Where b is lost in the noise that says nothing, and tr Cov³ / tr Cov² stands: the variance in
    the directions that make the noise of ‖mean‖².
    """
    m, largest = len(centred), float(np.linalg.eigvalsh(gram)[-1])
    along2 = float(np.square(centred @ mean).sum()) / (m - 1) / m
    off = gram - np.diag(gram.diagonal())
    trace3 = float(np.trace(off @ off @ off)) * (m - 1) ** 2 / (m * (m - 2))
    room, value = 2 * np.sqrt(2 * trace2), max(value, 0.0)
    if min(trace2, largest) <= 0:
        return largest
    lost = np.clip(trace3 / trace2, trace2 / np.trace(gram), largest) * max(room - value, 0.0)
    return float(min((max(along2 - trace2, 0.0) + lost) / max(value, room), largest))
