"""Successive elimination: which of several estimators are shown to be worse at equal time.

Every pair may be compared at every look, so that each comparison has the level α / (pairs × looks)
(Bonferroni): with probability 1 − α nobody is ever said to be worse than one that is not better,
whatever was decided before (Even-Dar, Mannor & Mansour 2006, JMLR 7; Audibert, Bubeck & Munos 2010
for the best arm). What is compared is the log of variance × seconds: the jackknife over blocks
paired by common random numbers, and the noise of both timings.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.intervals import Interval, log_ratio, t_quantile
from benchmarks.statistics.stopping import FEWEST

ALPHA = 0.05
CARRIERS = 15  # R / κ: about how many replicates must carry a variance that others are held to
WIDEST = 100.0  # half of the log of an interval that says nothing
TIMING = 0.2  # standard deviation of the log of one timing, on a machine that others share too


class Look(NamedTuple):
    """What R estimates of one estimator told, and one timing.

    - `variance`, `kurtosis`, `replicates`: tr Cov g of one estimate, κ and R.
    - `without`: `jackknife_variances` over its blocks: [M].
    - `seconds`, `error`: of one estimate, and the standard error of its log.
    """

    variance: float
    kurtosis: float
    replicates: int
    without: NDArray
    seconds: float
    error: float = TIMING


class Stop(NamedTuple):
    """Worse than `by`: at `replicates` the `ratio` of variance × seconds, with its interval."""

    by: Hashable
    replicates: int
    ratio: Interval


@dataclass(frozen=True)
class Elimination:
    """The rule for `arms` estimators and at most `looks` looks at each, familywise `alpha`."""

    arms: int
    looks: int
    alpha: float = ALPHA

    @property
    def level(self) -> float:
        """The level of each two-sided comparison."""
        return self.alpha / max(self.arms * (self.arms - 1) // 2 * self.looks, 1)

    def worse(
        self,
        arms: Iterable[Hashable],
        seen: Mapping[Hashable, Mapping[int, Look]],
        rivals: Mapping[Hashable, bool],
    ) -> dict[Hashable, Stop]:
        """Which `arms` are shown to be worse than a rival, where it shows first, and by whom.

        - `seen`: by estimator, its looks by R.
        - `rivals`: those that others are held against, and whether each is exact, without noise.
        """
        found = {}
        for arm in arms:
            against = (
                self._against(seen[arm], rival, seen[rival], exact)
                for rival, exact in rivals.items()
                if rival != arm
            )
            stops = [stop for stop in against if stop is not None]
            if stops:
                found[arm] = min(stops, key=lambda stop: (stop.replicates, -stop.ratio.low))
        return found

    def _against(
        self, own: Mapping[int, Look], rival: Hashable, theirs: Mapping[int, Look], exact: bool
    ) -> Stop | None:
        for replicates in sorted({*own} & {*theirs}):
            a, b = (timed_together(looks, replicates) for looks in (own, theirs))
            if exact:
                noisy = a.variance > 0 or _log_half(a, b, 0.0, math.inf, self.level) < math.log(
                    a.seconds / b.seconds
                )
                if noisy:
                    return Stop(rival, replicates, Interval(math.inf, math.inf, math.inf))
            elif shown(a, b):
                ratio = work_ratio(a, b, self.level)
                if ratio.low > 1:
                    return Stop(rival, replicates, ratio)
        return None


def shown(a: Look, b: Look) -> bool:
    """Whether anything can be shown by the two: enough replicates carry the variance of `b`."""
    enough = min(a.replicates, b.replicates) >= FEWEST
    noisy = all(look.variance > 0 and np.all(look.without > 0) for look in (a, b))
    return bool(enough and noisy and b.replicates >= CARRIERS * b.kurtosis)


def work_ratio(a: Look, b: Look, level: float) -> Interval:
    """V_a s_a / (V_b s_b) with the interval that is wrong with probability `level`.

    Needs variances above zero. Over the same blocks the variances are paired; Student's t has the
    fewest degrees of freedom among the blocks' and Satterthwaite's of each variance.
    """
    value = a.variance * a.seconds / (b.variance * b.seconds)
    if len(a.without) == len(b.without):
        paired = log_ratio(a.without, b.without)
        spread, df = paired.error**2, float(paired.df)
    else:
        spread, df = _spread(a) + _spread(b), math.inf
    df = min([df, *(2 / max(_spread(look), 1e-12) for look in (a, b))])
    half = np.exp(min(_log_half(a, b, spread, df, level), WIDEST))
    return Interval(value, value / half, value * half)


def timed_together(looks: Mapping[int, Look], replicates: int) -> Look:
    """The look at R with the timings of all looks up to it: the mean of their logs."""
    upto = [look for r, look in looks.items() if r <= replicates]
    weights = np.array([1 / look.error**2 for look in upto])
    logs = np.log([look.seconds for look in upto])
    mean = float(np.exp(weights @ logs / weights.sum()))
    return looks[replicates]._replace(seconds=mean, error=float(weights.sum() ** -0.5))


def _spread(look: Look) -> float:
    """The variance of log V̂, by the delta method."""
    n = look.replicates
    return max(look.kurtosis - 1, 2 / n) / n


def _log_half(a: Look, b: Look, spread: float, df: float, level: float) -> float:
    """Half the width of the log's interval: Welch–Satterthwaite, timings of known noise."""
    total = spread + a.error**2 + b.error**2
    welch = spread**2 / df if spread > 0 else 0.0
    return float(t_quantile(total**2 / welch if welch > 0 else np.inf, 1 - level)) * total**0.5
