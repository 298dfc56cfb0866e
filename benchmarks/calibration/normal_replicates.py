"""Moments of normal replicates of a gradient, drawn as they are distributed: no replicate is made.

For normal replicates the mean and the sum of squares of a row are independent, normal and χ²: ten
thousand parameters cost what their rows cost, whatever R.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.moments import Moments, Rows
from benchmarks.statistics.stopping import Plan

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class NormalGradient:
    """ĝ is normal with this mean and these standard deviations, independent: each [P]."""

    truth: NDArray
    mean: NDArray
    deviation: NDArray

    @classmethod
    def of(
        cls, parameters: int, noise: float, angle: float, scale: float = 1.0
    ) -> "NormalGradient":
        """‖g‖ = 1; E ĝ is `scale` long and at an `angle` in radians; √tr Cov ĝ is `noise`.

        The standard deviations of parameters differ by up to a factor of 3.
        """
        rng = np.random.default_rng(parameters)
        g, across = rng.normal(size=(2, parameters))
        g /= np.linalg.norm(g)
        across -= (across @ g) * g
        across /= np.linalg.norm(across) if parameters > 1 else 1.0
        spread = np.linspace(1.0, 3.0, parameters)
        spread *= noise / np.linalg.norm(spread)
        return cls(g, scale * (np.cos(angle) * g + np.sin(angle) * across), spread)

    @property
    def bias2(self) -> float:
        """‖E ĝ − g‖²."""
        return float(np.square(self.mean - self.truth).sum())

    def measured(self, replicates: int, rng: np.random.Generator) -> MeasuredGradient:
        """What so many replicates say, in rows as the suite makes them."""
        size = Plan.of(replicates, 1).chunk
        m, parameters = replicates // size, len(self.mean)
        while m > 64:
            m, size = m // 2, size * 2
        means = self.mean + self.deviation / size**0.5 * rng.normal(size=(m, parameters))
        m2 = self.deviation**2 * rng.chisquare(size - 1, size=(m, parameters))
        count = torch.full((m,), float(size), dtype=torch.float64)
        rows = Rows(count, torch.from_numpy(means), torch.from_numpy(m2))
        return MeasuredGradient(_whole(rows), rows, self.truth, np.zeros(parameters), EPS)


def _whole(rows: Rows) -> Moments:
    """All rows as one, its higher moments those of the normal law."""
    whole = rows.merged(len(rows))
    n, variance = whole.count, whole.m2 / whole.count
    trace = variance.sum()
    q4 = n * (trace**2 + 2 * variance.square().sum())
    none = torch.zeros_like(variance)
    return Moments(n, whole.mean, whole.m2, none, 3 * n * variance.square(), none, q4)
