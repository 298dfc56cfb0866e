"""The pieces of SciPy's generators as methods of a law, with their derivatives."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.frameworks.circles import CIRCLES, from_the_end
from benchmarks.frameworks.numerical_derivatives import Elementwise
from benchmarks.frameworks.scipy_inversion import Inverted, Tabled
from benchmarks.frameworks.scipy_supports import (
    MOVED,
    shapes,
    shapes_known,
    support_of,
    support_of_integers,
)

FORMULAS = ("_pdf", "_logpdf", "_cdf", "_ppf", "_rvs")


class Continuous:
    """The pieces of an rv_continuous, in z = (x − loc)/scale and the shapes."""

    def __init__(self, generator: Any, label: str, fixed: Mapping[str, float]):
        self.generator, self.label, self.fixed = generator, label, fixed
        self.brought = {name for name in FORMULAS if _own(generator, name)}
        own, whole = shapes(generator), generator
        if self.only_density:
            whole = Inverted(generator, label)
        self.log_density = Elementwise(
            lambda z, *s: self.generator.logpdf(z, *s),
            f"the log density of {label}", ("x", *own), self._room,
        )  # fmt: skip
        self.below = Elementwise(
            lambda z, *s: whole.cdf(z, *s), f"the cdf of {label}", ("x", *own),
            self._room, {0: lambda z, *s: self.log_density(z, *s).exp()},
        )  # fmt: skip
        self.ppf = Elementwise(
            lambda u, *s: whole.ppf(u, *s), f"the quantile of {label}", ("u", *own),
            None, {0: lambda u, *s: (-self.log_density(self.ppf(u, *s), *s)).exp()}
            | {i + 1: self._quantile_slope(i + 1) for i in range(len(own))},
        )  # fmt: skip

    def support(self, names: Sequence[str], at: Mapping[str, float]) -> Any:
        """The support, where `names` are λ, at a point that stands for all."""
        return support_of(self.generator, self.label, names, at, self._arguments)

    @property
    def only_density(self) -> bool:
        """Whether it brings a density, and nothing that a sample follows from."""
        return bool(self.brought) and self.brought <= {"_pdf", "_logpdf"}

    def methods(self) -> dict[str, Callable]:
        """Those that it has a formula for."""
        brought = self.brought | ({"_cdf", "_ppf"} if self.only_density else set())
        found = {"sample": self._rvs}
        if brought & {"_pdf", "_logpdf"}:
            found["log_prob"] = self._log_prob
        if "_cdf" in brought:
            found["cdf"] = self._cdf
            if self.generator.name in CIRCLES:
                found["cdf"] = from_the_end(self._cdf)
        if {"_ppf", "_cdf"} <= brought:
            found["icdf"] = self._icdf
        if "_cdf" in brought and ("_ppf" in brought or "_rvs" not in brought):
            del found["sample"]  # which follows from these
        return {name: _method(piece) for name, piece in found.items()}

    def _log_prob(self, law, x: Tensor) -> Tensor:
        z, scale, own = self._standardised(law, x)
        return self.log_density(z, *own) - scale.log()

    def _cdf(self, law, x: Tensor) -> Tensor:
        z, _, own = self._standardised(law, x)
        return self.below(z, *own)

    def _icdf(self, law, u: Tensor) -> Tensor:
        loc, scale, own = self._arguments(law)
        return loc + scale * self.ppf(u.to(scale), *own)

    def _rvs(self, law, sample_shape=()) -> Tensor:
        shape = tuple(sample_shape)
        loc, scale, own = self._arguments(law)
        rows = [t.detach().double().expand(law.batch_shape).reshape(-1) for t in (*own, loc, scale)]

        def draw(rng, *at):
            return self.generator.rvs(*at, size=shape, random_state=rng)

        drawn = _of_each(law, rows, draw)
        return drawn.to(scale).reshape(*shape, *law.batch_shape)

    def _standardised(self, law, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        loc, scale, own = self._arguments(law)
        return (x.to(scale) - loc) / scale, scale, own

    def _arguments(self, law) -> tuple[Tensor, Tensor, list[Tensor]]:
        """loc, scale and the shapes of a law, as tensors."""
        like = law.parameters[0]

        def argument(name: str) -> Tensor:
            held = vars(law).get(name)
            return like.new_tensor(self.fixed[name]) if held is None else held

        own = [argument(name) for name in shapes(self.generator)]
        return argument("loc"), argument("scale"), own

    def _quantile_slope(self, place: int) -> Callable[..., Tensor]:
        """∂F⁻¹(u)/∂shape = −(∂F/∂shape)/p there."""

        def slope(u: Tensor, *own: Tensor) -> Tensor:
            z = self.ppf(u, *own)
            density = self.log_density(z, *own).exp()
            return -self.below.slope(place)(z, *own) / density

        return slope

    def _room(self, place: int, arrays: Sequence[NDArray]) -> NDArray:
        """How far z may go within the support, and a shape within its domain with z inside."""
        low, high = self.generator.support(*arrays[1:])
        inner = np.minimum(arrays[0] - low, high - arrays[0])
        if place == 0:
            return inner
        value, info = arrays[place], shapes_known(self.generator)[place - 1]
        room = np.minimum(value - info.domain[0], info.domain[1] - value)
        moved = list(arrays[1:])
        moved[place - 1] = value + MOVED * np.minimum(room, 1.0)
        there = self.generator.support(*moved)
        moves = (np.asarray(there[0]) != low) | (np.asarray(there[1]) != high)
        return np.where(moves, np.minimum(room, inner), room)


class Discrete(Continuous):
    """The pieces of an rv_discrete, without scale."""

    def __init__(self, generator: Any, label: str, fixed: Mapping[str, float]):
        super().__init__(generator, label, fixed)
        self.tabled = Tabled(generator, label)
        own = shapes(generator)
        self.log_density = Elementwise(
            lambda x, *s: self.generator.logpmf(x, *s), f"the log mass of {label}",
            ("x", *own), self._room,
        )  # fmt: skip

    @property
    def only_density(self) -> bool:
        """Not of a mass, whose table says all."""
        return False

    def support(self, names: Sequence[str], at: Mapping[str, float]) -> Any:
        """The integers that it is on."""
        return support_of_integers(self.generator, self.label, at)

    def methods(self) -> dict[str, Callable]:
        """A sampler and the mass."""
        found = {"sample": self._rvs, "log_prob": self._log_prob}
        return {name: _method(piece) for name, piece in found.items()}

    def _log_prob(self, law, x: Tensor) -> Tensor:
        loc, _, own = self._arguments(law)
        return self.log_density((x.to(law.parameters[0]) - loc).detach(), *own)

    def _rvs(self, law, sample_shape=()) -> Tensor:
        shape = tuple(sample_shape)
        loc, _, own = self._arguments(law)
        whole = [shape.integrality for shape in shapes_known(self.generator)]

        def draw(rng, *at):  # *shapes, loc
            given = tuple(round(v) if w else v for v, w in zip(at, whole, strict=False))
            if not self.brought & {"_rvs", "_ppf"}:
                return at[-1] + self.tabled.ppf(rng.random(shape), given)
            return self.generator.rvs(*given, loc=at[-1], size=shape, random_state=rng)

        rows = [t.detach().double().expand(law.batch_shape).reshape(-1) for t in (*own, loc)]
        drawn = _of_each(law, rows, draw)
        return drawn.to(law.parameters[0]).reshape(*shape, *law.batch_shape)


def _own(generator: Any, name: str) -> bool:
    """Whether its class brings a formula, and does not inherit SciPy's integral or search."""
    owner = next((cls for cls in type(generator).__mro__ if name in vars(cls)), None)
    return owner is not None and owner.__module__ != "scipy.stats._distn_infrastructure"


def _of_each(law, rows: list[Tensor], draw: Callable[..., NDArray]) -> Tensor:
    """What `draw` makes of a NumPy generator and numbers for each element of the batch, last."""
    count = law.batch_shape.numel()
    words = torch.randint(2**63 - 1, (*law.batch_shape, 2)).reshape(count, 2)
    values = [row.tolist() for row in rows]
    each = []
    for place, key in enumerate(words.tolist()):
        rng = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
        each.append(torch.as_tensor(np.asarray(draw(rng, *(v[place] for v in values)), float)))
    return torch.stack(each, -1)


def _method(piece: Callable) -> Callable:
    """A bound function as a method of a law."""

    def method(law, *args):
        return piece(law, *args)

    return method
