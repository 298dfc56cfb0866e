"""Families of scipy.stats: its old generators, frozen or not, and the classes it has since 1.15.

SciPy has no derivatives. Of location and scale they are known; of the rest they are taken by
central differences, with an error estimate (`numerical_derivatives`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.distributions import Distribution, constraints

from benchmarks.frameworks.foreign_law import ForeignLaw, law_class
from benchmarks.frameworks.scipy_pieces import Continuous, Discrete
from benchmarks.frameworks.scipy_supports import domain, shapes, shapes_known
from estimators import capabilities, unknown


class ScipyFamily:
    """λ → a generator of scipy.stats at λ, such as scipy.stats.gamma, as a distribution of torch.

    - `generator`: an rv_continuous or rv_discrete, frozen or not.
    - `constants`: further arguments that are no λ, by name.

    Calling it takes tensors by name: the generator's shapes, `loc` and `scale`. Samples invert the
    cdf at torch's uniforms where SciPy has a quantile of its own; else each element of the batch
    has a NumPy generator, seeded from torch's stream. A cdf or quantile that SciPy would integrate
    or search for number by number is left out.
    ValueError for parameters outside of their domain.
    """

    def __init__(self, generator: Any, constants: Mapping[str, float] | None = None):
        from scipy.stats._distn_infrastructure import rv_frozen

        fixed = {"loc": 0.0, "scale": 1.0}
        if isinstance(generator, rv_frozen):
            names = [*shapes(generator.dist), "loc", "scale"]
            fixed |= dict(zip(names, generator.args, strict=False)) | generator.kwds
            generator = generator.dist
        self.generator, self.fixed = generator, fixed | dict(constants or {})
        self._classes: dict[tuple[str, ...], type[ForeignLaw]] = {}

    @property
    def label(self) -> str:
        """The generator's name in messages."""
        own = type(self.generator)
        if own.__module__.startswith("scipy."):
            return f"scipy.stats.{self.generator.name}"
        named = self.generator.name not in (
            None,
            "Distribution",
        )  # which SciPy calls a nameless one
        name = self.generator.name if named else own.__name__
        return name if own.__module__ == "__main__" else f"{own.__module__}.{name}"

    @property
    def names(self) -> list[str]:
        """Its parameters."""
        return [*shapes(self.generator), "loc", *(["scale"] if self.continuous else [])]

    @property
    def continuous(self) -> bool:
        """Whether it has a density."""
        return hasattr(self.generator, "logpdf")

    def __call__(self, **parameters: Tensor) -> Distribution:
        names = tuple(parameters)
        self._check(names)
        held = {k: v.detach().cpu().double().numpy() for k, v in parameters.items()}
        held = self.fixed | held
        own = [held[name] for name in shapes(self.generator)]
        inside = np.all(self.generator._argcheck(*own)) and np.all(held["scale"] > 0)
        first = {name: float(np.ravel(value)[0]) for name, value in held.items()}
        if not inside:
            at = ", ".join(f"{name} = {value:.6g}" for name, value in first.items())
            raise ValueError(f"{self.label} has no law at {at}: these are outside of its domain")
        if names not in self._classes:
            self._classes[names] = self._law_class(names, first)
        return capabilities.complete(self._classes[names](parameters))

    def _check(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.names:
                raise ValueError(unknown(f"parameter of {self.label}", name, self.names))
        lacking = [n for n in shapes(self.generator) if n not in {*names, *self.fixed}]
        if lacking:
            raise ValueError(f"{self.label} needs {', '.join(lacking)} as well")
        whole = [s.name for s in shapes_known(self.generator) if s.integrality and s.name in names]
        if whole:
            raise ValueError(
                f"{whole[0]} of {self.label} is a whole number, in which nothing can be "
                f"differentiated; make it a constant, as with --constant {whole[0]}=10"
            )

    def _law_class(self, names: tuple[str, ...], at: Mapping[str, float]) -> type[ForeignLaw]:
        make = Continuous if self.continuous else Discrete
        pieces = make(self.generator, self.label, self.fixed)
        known = {"loc": constraints.real, "scale": constraints.positive}
        for shape in shapes_known(self.generator):
            if shape.stated:
                known[shape.name] = domain(*shape.domain, *shape.inclusive)
        module, _, name = self.label.rpartition(".")
        origin, axes = _Named(name, module), dict.fromkeys(names, 0)
        return law_class(origin, pieces.methods(), axes, known, pieces.support(names, at))


class _Named:
    """A name and a module, for the class of a law."""

    def __init__(self, name: str, module: str):
        self.__name__, self.__module__ = name, module
