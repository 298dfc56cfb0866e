"""Replicates of a gradient beside its true value: what bias and direction are found from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.intervals import means_of, parameter_kurtosis
from benchmarks.statistics.long_vectors import LongRows
from benchmarks.statistics.mean_tests import Deviation
from benchmarks.statistics.moments import Moments, Rows
from benchmarks.statistics.tail_index import calm_parameters, light
from benchmarks.statistics.tiled_rows import TiledRows

ROUNDING = 1e3  # in units of the dtype's, of means of replicates
TOLD_FROM_ZERO = 3  # standard errors of the truth
STAYS_AWAY = -np.log(0.05)  # an event that often in R replicates is missed in 5 % of runs


@dataclass(frozen=True, eq=False)
class MeasuredGradient:
    """The moments of R replicates of ĝ, and the gradient g that they should have as their mean."""

    whole: Moments
    rows: Rows | LongRows
    truth: NDArray  # [P]
    error: NDArray  # [P] standard error of the truth
    eps: float  # rounding of the gradients' dtype
    largest_cost: float = 0.0  # whose rounding reaches the gradients
    flagged: bool = False  # `heavy_tailed`
    tested: NDArray | bool = True  # [P] whose mean may be tested, as enough replicates move it

    @cached_property
    def n(self) -> float:
        """R, the replicates."""
        return float(self.whole.count[0])

    @cached_property
    def mean(self) -> NDArray:
        """ḡ [P]."""
        return self.whole.mean[0].cpu().numpy()

    @cached_property
    def variance(self) -> NDArray:
        """Of one replicate: [P]."""
        return self.whole.m2[0].cpu().numpy() / (self.n - 1)

    @cached_property
    def skew(self) -> NDArray:
        """Of one replicate: [P]."""
        m2, m3 = (t[0].cpu().numpy() for t in (self.whole.m2, self.whole.m3))
        cube = (m2 / self.n) ** 1.5  # zero also where the variance is below 1e-200
        return np.divide(m3 / self.n, cube, out=np.zeros_like(m3), where=cube > 0)

    @cached_property
    def kurtosis(self) -> NDArray:
        """Of one replicate: [P]."""
        return parameter_kurtosis(self.whole)

    @cached_property
    def means(self) -> "NDArray | TiledRows":
        """Of each row of replicates: [M, P]."""
        return means_of(self.rows)

    @cached_property
    def count(self) -> NDArray:
        """Replicates in each row: [M]."""
        return self.rows.count.cpu().numpy()

    @cached_property
    def rounding(self) -> NDArray:
        """How far floating point may have moved a mean: [P]."""
        return self._rounding(self.eps)

    @cached_property
    def gradient_is_zero(self) -> bool:
        """Whether g cannot be told from zero, by its own error and that of float64 alone."""
        doubt = np.hypot(self.error, self._rounding(np.finfo(float).eps))
        return bool(np.linalg.norm(self.truth) <= TOLD_FROM_ZERO * np.linalg.norm(doubt))

    @cached_property
    def still(self) -> NDArray:
        """Which parameters do not move, but for rounding: [P]."""
        return self.variance <= self.rounding**2

    @cached_property
    def deterministic(self) -> bool:
        """Whether nothing moves, so that there are no events to be missed, and no tails."""
        return bool(self.still.all())

    @cached_property
    def heavy(self) -> bool:
        """Whether tails are so heavy, of more than rounding, that means cannot be believed."""
        return self.flagged and not self.deterministic and not light(self.kurtosis, self.n)

    @cached_property
    def calm(self) -> NDArray:
        """Which parameters have tails so light that a test of their mean can be believed: [P]."""
        calm = calm_parameters(self.variance, self.kurtosis, self.n, self.heavy)
        return (calm | self.still) & self.tested

    @cached_property
    def unseen(self) -> float:
        """How far an event of probability 1/R, which may not have happened yet, would move ḡ.

        That it is as large as a replicate is on average is the best guess. It may widen a limit or
        doubt a verdict; it is no part of an estimate.
        """
        return 0.0 if self.deterministic else float(np.sqrt(self._squares.sum())) / self.n

    @property
    def missed(self) -> float:
        """How far an event that 5 % of runs miss would move ḡ."""
        return STAYS_AWAY * self.unseen

    def deviation(self, off: NDArray, shifts: NDArray, **noise) -> Deviation:
        """`off` [P] and its rows `shifts` [M, P], to be tested; `noise` where it is not that of ĝ.

        For one parameter, an unseen event is taken to be as large as the noisiest one moves: it
        matters for parameters that hardly moved while others did.
        """
        each = 0.0 if self.deterministic else float(np.sqrt(self._squares.max())) / self.n
        known = {"variance": self.variance, "skew": self.skew, "n": self.n}
        known["error"] = np.hypot(self.error, self.rounding)
        return Deviation(
            off=off, count=self.count, shifts=shifts, unseen=self.unseen, unseen_each=each,
            **{**known, **noise},
        )  # fmt: skip

    @cached_property
    def _squares(self) -> NDArray:
        return np.maximum(self.variance + self.mean**2, self.truth**2)

    def _rounding(self, eps: float) -> NDArray:
        size = np.abs(self.truth) + np.abs(self.mean) + np.sqrt(self.variance)
        return np.hypot(ROUNDING * eps * size, 10 * eps * self.largest_cost)
