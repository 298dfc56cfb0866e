"""The cdf and the quantiles of a SciPy generator that brings nothing but a density or a mass.

Polynomials fitted to the inverse of its integral (PINV: Derflinger, Hörmann and Leydold 2010, ACM
TOMACS 20(4)), as scipy.stats.sampling has them: a fit for each set of shapes, kept.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimators import Unsupported

ERROR = 1e-12  # of u, to which quantiles are right
MOST_INTEGERS, LOST = 1 << 16, 1e-9  # in a table, and the mass beyond it
MOST = 256  # sets of shapes that are fitted; each takes some hundredths of a second


class Inverted:
    """What SciPy would integrate and search for number by number, from a fit of the density.

    - `generator`: an rv_continuous with `_pdf` or `_logpdf`.
    - `label`: its name in messages.

    Raises Unsupported where the density cannot be fitted, or shapes are too many.
    """

    def __init__(self, generator: Any, label: str):
        self.generator, self.label = generator, label
        self._fits: dict[tuple[float, ...], Any] = {}

    def ppf(self, u: NDArray, *own: NDArray) -> NDArray:
        """The quantile at `u`, all of one shape."""
        return self._by_shapes(lambda fit, at: fit.ppf(at), u, own)

    def cdf(self, z: NDArray, *own: NDArray) -> NDArray:
        """P(Z ≤ z), all of one shape."""
        return self._by_shapes(lambda fit, at: fit.cdf(at), z, own)

    def _by_shapes(self, what: Callable, at: NDArray, own: tuple[NDArray, ...]) -> NDArray:
        flat = np.ravel(at)
        rows = np.stack([np.ravel(np.broadcast_to(s, np.shape(at))) for s in own] or [0 * flat])
        kinds, place = np.unique(rows, axis=1, return_inverse=True)
        found = np.empty_like(flat, dtype=float)
        for which, kind in enumerate(kinds.T[:, : len(own)]):
            here = place.reshape(-1) == which
            found[here] = what(self._fit(tuple(kind.tolist())), flat[here])
        return found.reshape(np.shape(at))

    def _fit(self, own: tuple[float, ...]) -> Any:
        if own not in self._fits:
            if len(self._fits) == MOST:
                raise Unsupported(
                    f"{self.label} brings only a density, which was inverted at {MOST} sets of its "
                    "shapes, and more are wanted; let it bring `_rvs`, or `_cdf` and `_ppf`."
                )
            self._fits[own] = self._fitted(own)
        return self._fits[own]

    def _fitted(self, own: tuple[float, ...]) -> Any:
        from scipy.stats.sampling import NumericalInversePolynomial, UNURANError

        low, high = (float(end) for end in self.generator.support(*own))
        density = _Density(self.generator, own)
        try:
            with np.errstate(all="ignore"):
                return NumericalInversePolynomial(
                    density, domain=(low, high), center=_inside(density, low, high),
                    u_resolution=ERROR,
                )  # fmt: skip
        except (UNURANError, ValueError, TypeError) as failure:
            at = ", ".join(f"{value:.6g}" for value in own)
            raise Unsupported(
                f"{self.label} brings only a density, which cannot be inverted at shapes ({at}): "
                f"{str(failure).strip().rstrip('.')}; let it bring `_rvs`, or `_cdf` and `_ppf`."
            ) from failure


class Tabled:
    """The quantiles of an rv_discrete that brings only its mass: from a table of its sums, kept.

    Raises Unsupported where 65 536 integers do not hold all but 1e-9 of the mass.
    """

    def __init__(self, generator: Any, label: str):
        self.generator, self.label = generator, label
        self._tables: dict[tuple[float, ...], tuple[int, NDArray]] = {}

    def ppf(self, u: NDArray, own: tuple[float, ...]) -> NDArray:
        """The smallest integers that have at least `u` below or at them."""
        if own not in self._tables:
            self._tables[own] = self._table(own)
        low, sums = self._tables[own]
        return low + np.minimum(np.searchsorted(sums, u * sums[-1]), len(sums) - 1)

    def _table(self, own: tuple[float, ...]) -> tuple[int, NDArray]:
        low, high = self.generator.support(*own)
        last = int(min(high, low + MOST_INTEGERS - 1))
        sums = np.cumsum(self.generator.pmf(np.arange(int(low), last + 1), *own))
        if last < high and not sums[-1] >= 1 - LOST:
            raise Unsupported(
                f"{self.label} brings only its mass, of which {len(sums)} integers hold "
                f"{sums[-1]:.6g}; let it bring `_rvs` or `_ppf`."
            )
        return int(low), sums


class _Density:
    """The density of z at given shapes, a number at a number."""

    def __init__(self, generator: Any, own: tuple[float, ...]):
        self.generator, self.own = generator, own

    def pdf(self, z: float) -> float:
        """p(z), past SciPy's checks of arguments, which take ten times as long."""
        return float(self.generator._pdf(np.float64(z), *self.own))


def _inside(density: _Density, low: float, high: float) -> float:
    """A point of much density, of a grid that is fine near 0 and the ends, and wide beyond."""
    steps = np.concatenate([-np.logspace(-4, 4, 41)[::-1], [0.0], np.logspace(-4, 4, 41)])
    if np.isfinite(low) and np.isfinite(high):
        steps = low + (high - low) * np.linspace(0, 1, 83)[1:-1]
    elif np.isfinite(low):
        steps = low + steps[steps > 0]
    elif np.isfinite(high):
        steps = high + steps[steps < 0]
    heights = np.array([density.pdf(float(step)) for step in steps])
    heights = np.where(np.isfinite(heights), heights, 0.0)
    return float(steps[int(np.argmax(heights))])
