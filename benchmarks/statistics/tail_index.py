"""When intervals of variances and tests of means cannot be trusted: the tail of s = ‖g − ḡ‖²."""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

HEAVY = 0.5  # Pareto k̂ above which Var(s) is infinite
ENOUGH = 100  # distinct exceedances, or large values of a discrete law
RESOLUTION = 0.005  # relative difference of distinct values: those of spikes repeat but for noise
DOMINANT = 0.05  # share of Σ s that one replicate must not have
LIGHT = 400  # n / κ of parameters whose means are believed though the whole is flagged
CALM = 50  # n / κ: about how many replicates carry the variance of a parameter whose mean is tested


class LargestValues:
    """The largest values of s seen so far, enough of them for the tail of four times as many.

    So they are for the tail of any R, where s comes in no order. They lie in one piece of memory:
    small ones that stay, one for each block, would keep gaps between them from being used again.
    """

    def __init__(self):
        self.count = 0
        self._held: Tensor | None = None  # the largest, and behind them what may be among them
        self._sorted = self._number = 0  # of the largest, in descending order, and of both

    def add(self, s: Tensor) -> None:
        """Take in a block of s [R]."""
        self.count += len(s)
        needed, s = tail_size(self.count) + 1, s.double()
        if self._sorted >= needed:
            s = s[~(s <= self._held[self._sorted - 1])]  # what is no number counts as large
        self._hold(s)
        if not self._sorted or self._number - self._sorted > 2 * needed:
            self._sort()

    @property
    def values(self) -> Tensor:
        """The largest values, in descending order."""
        self._sort()
        return self._held[: tail_size(self.count) + 1].clone()

    def _hold(self, s: Tensor) -> None:
        before, self._number = self._number, self._number + len(s)
        if self._held is None:
            self._held = s.new_empty(0)
        if self._number > len(self._held):
            larger = s.new_empty(max(self._number, 2 * len(self._held)))
            larger[:before] = self._held[:before]
            self._held = larger
        self._held[before : self._number] = s

    def _sort(self) -> None:
        """Keep twice as many as are needed now: later, more are."""
        if self._number > self._sorted:
            most = min(self._number, 2 * tail_size(self.count) + 2)
            self._held[:most] = self._held[: self._number].topk(most).values
            self._sorted = self._number = most


def tail_size(n: int) -> int:
    """How many of n values are the tail: min(n/5, 3√n), as in Pareto-smoothed sampling."""
    return int(min(0.2 * n, 3 * math.sqrt(n)))


def is_heavy(largest: LargestValues, mean: float) -> bool:
    """Whether the interval of mean(s) = `mean` may be too short.

    `largest` has taken in every s. Where the tail has enough distinct values, by its Pareto shape;
    for two-point and spike laws, by how few large values carry it. Runs too short for 100 of either
    get half their tail.
    """
    if not mean > 0:
        return False
    values = largest.values.cpu().numpy()
    if values[0] > DOMINANT * mean * largest.count:
        return True
    excess = values[:-1] - values[-1]
    enough = min(ENOUGH, len(excess) // 2)
    distinct = np.unique(np.round(np.log(values[values > 0]) / RESOLUTION))
    if len(distinct) > enough:
        return pareto_shape(excess[excess > 0]) > HEAVY
    return int((values >= mean / 2).sum()) < min(ENOUGH, len(values))


def calm_parameters(variance: NDArray, kurtosis: NDArray, n: float, heavy: bool) -> NDArray:
    """Which parameters [P] have tails so light that a test of their mean can be believed.

    `variance` and `kurtosis` [P] are those of `n` replicates; `heavy` is the flag of the whole,
    which asks for more of each, and without it vouches for a parameter that makes most of the
    whole. Of 20 000 runs of each of 20 laws of infinite or huge variance at n = 1000 (Pareto 1.2 to
    4, log-normal to σ = 4, rare squares), none with n / κ above 100 was called biased; shorter runs
    have to reach as much.
    """
    if heavy:
        return n >= kurtosis * ENOUGH
    return (n >= kurtosis * _carriers(n)) | (variance >= variance.sum() / 2)


def light(kurtosis: NDArray, n: float) -> bool:
    """Whether means of `n` replicates can be believed, whatever the flag says, by `kurtosis` [P].

    The flag is for the interval of the variance, and raised by many laws that are bounded but have
    few large values. Of 60 runs each at n = 244 to 10 000, no Pareto law up to 2.5, no log-normal
    one and no rare square had n / κ above 400 in both of two parameters.
    """
    return bool(np.all(n >= LIGHT * np.maximum(kurtosis, 1.0)))


def calm_together(
    share: NDArray, kurtosis: NDArray, dependence: float, n: float, calm: NDArray
) -> bool:
    """Whether a sum has light tails, though some of its terms have not.

    `share` [P] is the variance of each term, `dependence` the variance of the sum over what it were
    if the terms were independent: κ − 3 of a sum of independent terms is Σ share² (κ − 3).
    `kurtosis` [P] is that of each term in `n` replicates, `calm` [P] says whose tails are light.
    """
    if calm.all() or not share.sum() > 0:
        return True
    excess = np.where(calm, 0.0, np.maximum(kurtosis - 3, 0.0))
    kappa = 3 + max(dependence, 1.0) * np.square(share / share.sum()) @ excess
    return bool(n >= kappa * _carriers(n))


def _carriers(n: float) -> float:
    return min(CALM, n / 10)


def pareto_shape(excess: NDArray) -> float:
    """k̂ of the generalised Pareto law of exceedances [n] > 0.

    Zhang & Stephens 2009, Technometrics 51(3), with the weak prior of Vehtari et al. 2024,
    arXiv:1507.02646.
    """
    x = np.sort(excess)
    n = len(x)
    grid = np.arange(1, 31 + int(np.sqrt(n)))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(len(grid) / (grid - 0.5))) / (3 * quartile)
    k = np.log1p(-theta[:, None] * x).mean(1)
    log_likelihood = n * (np.log(-theta / k) - k - 1)
    weight = np.exp(log_likelihood - log_likelihood.max())
    best = (theta * weight).sum() / weight.sum()
    shape = np.log1p(-best * x).mean()
    return float((n * shape + 10 * 0.5) / (n + 10))
