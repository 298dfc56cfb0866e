"""Families of SciPy's classes of distributions since 1.15: Normal, Uniform, make_distribution."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.frameworks.foreign_law import law_class
from benchmarks.frameworks.numerical_derivatives import Elementwise
from benchmarks.frameworks.scipy_supports import between
from estimators import capabilities


class NewScipyFamily:
    """λ → an object of a class such as scipy.stats.Normal at λ, as a distribution of torch.

    - `target`: the class, also one of scipy.stats.make_distribution; continuous.
    - `constants`: further arguments that are no λ, by name.

    Samples invert the cdf at torch's uniforms; all derivatives are central differences with an
    error estimate. ValueError for parameters outside of their domain.
    """

    def __init__(self, target: type, constants: Mapping[str, float] | None = None):
        self.target, self.fixed = target, dict(constants or {})
        self._classes: dict[tuple[str, ...], type] = {}

    @property
    def label(self) -> str:
        """The class's name in messages."""
        return f"scipy.stats.{self.target.__name__}"

    @property
    def names(self) -> list[str]:
        """The parameters that it may have, in any of its parameterisations."""
        groups = self.target._parameterizations
        return list(dict.fromkeys(name for group in groups for name in group.parameters))

    def __call__(self, **parameters: Tensor) -> Distribution:
        names = tuple(parameters)
        held = {k: v.detach().cpu().double().numpy() for k, v in parameters.items()}
        low, high = self._at(held).support()
        if np.isnan(low).any() or np.isnan(high).any():
            at = ", ".join(f"{k} = {np.ravel(v)[0]:.6g}" for k, v in held.items())
            raise ValueError(f"{self.label} has no law at {at}: these are outside of its domain")
        if names not in self._classes:
            self._classes[names] = self._law_class(names, low, high, held)
        return capabilities.complete(self._classes[names](parameters))

    def _at(self, values: Mapping[str, NDArray]) -> Any:
        return self.target(**self.fixed, **values)

    def _law_class(self, names: Sequence[str], low: NDArray, high: NDArray, held: Mapping) -> type:
        def piece(name: str, first: str):
            def of(value, *given):
                return getattr(self._at(dict(zip(names, given, strict=True))), name)(value)

            return Elementwise(of, f"`{name}` of {self.label}", (first, *names))

        log_density, below, quantile = (
            piece(*what) for what in (("logpdf", "x"), ("cdf", "x"), ("icdf", "u"))
        )
        below.known = {0: lambda x, *s: log_density(x, *s).exp()}
        pieces = {
            "log_prob": lambda law, x: log_density(x, *law.parameters),
            "cdf": lambda law, x: below(x, *law.parameters),
            "icdf": lambda law, u: quantile(u, *law.parameters),
        }
        support = self._support(names, float(np.ravel(low)[0]), float(np.ravel(high)[0]), held)
        return law_class(self.target, pieces, dict.fromkeys(names, 0), {}, support)

    def _support(self, names: Sequence[str], low: float, high: float, held: Mapping) -> Any:
        known = [bool(np.isfinite(end)) for end in (low, high)]

        def end(which: int):
            def of(*given):
                return (
                    self._at(dict(zip(names, given, strict=True))).support()[which] + 0 * given[0]
                )

            return Elementwise(of, f"the support of {self.label}", names)

        ends = (end(0), end(1))
        leaves = [torch.as_tensor(held[n]).clone().requires_grad_() for n in names]
        moves = False
        for which in range(2):
            if known[which]:
                slopes = torch.autograd.grad(ends[which](*leaves).sum(), leaves)
                moves = moves or any(bool(slope.any()) for slope in slopes)

        if not moves:
            return between(*(e if k else None for e, k in zip((low, high), known, strict=True)))

        def support(law):
            now = (each(*law.parameters) for each in ends)
            return between(*(e if k else None for e, k in zip(now, known, strict=True)))

        return property(support)
