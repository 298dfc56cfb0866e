"""The supports of SciPy's generators: constants, or where they move with λ, functions of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.constraints import Constraint

from benchmarks.frameworks.circles import CIRCLES, END
from benchmarks.frameworks.numerical_derivatives import Elementwise

MOVED = 1e-3  # of a shape, to see whether an end of the support moves with it


def support_of(
    generator: Any,
    label: str,
    names: Sequence[str],
    at: Mapping[str, float],
    arguments: Callable[..., tuple[Tensor, Tensor, list[Tensor]]],
) -> Constraint | property:
    """The support of an rv_continuous: a property where an end moves with λ.

    - `label`: the generator's in messages.
    - `names`: of λ, among the shapes, loc and scale.
    - `at`: the values of all of these at a point that stands for all.
    - `arguments`: from a law to its loc, scale and shapes.
    """
    if generator.name in CIRCLES:
        return constraints.interval(-END, END)
    own = [at[name] for name in shapes(generator)]
    ends = [float(end) for end in generator.support(*own)]
    low, high = map(bool, np.isfinite(ends))
    moving = {"loc"} if low or high else set()
    moving |= {"scale"} if any(np.isfinite(end) and end for end in ends) else set()
    for place, name in enumerate(shapes(generator)):
        moved = [value + MOVED * (place == other) for other, value in enumerate(own)]
        moving |= {name} if list(generator.support(*moved)) != ends else set()
    if not moving & set(names):
        known = [at["loc"] + at["scale"] * end for end in ends]
        return between(*(end if np.isfinite(end) else None for end in known))

    def support(law):
        loc, scale, given = arguments(law)
        a, b = _ends(generator, label, given)
        return between(loc + scale * a if low else None, loc + scale * b if high else None)

    return property(support)


def support_of_integers(generator: Any, label: str, at: Mapping[str, float]) -> Constraint:
    """The support of an rv_discrete. ValueError where it has no first integer."""
    low, high = (end + at["loc"] for end in generator.support(*(at[n] for n in shapes(generator))))
    if not np.isfinite(low):
        raise ValueError(f"{label} is on all integers, of which nothing is summed here")
    if np.isfinite(high):
        return constraints.integer_interval(int(low), int(high))
    return constraints.nonnegative_integer if low == 0 else constraints.positive_integer


def _ends(generator: Any, label: str, own: list[Tensor]) -> list[Tensor]:
    """The ends in z = (x − loc)/scale, differentiable in the shapes."""
    if not own:
        return [torch.tensor(float(end)) for end in generator.support()]
    return [
        Elementwise(
            lambda *s, which=which: generator.support(*s)[which] + 0 * s[0],
            f"the support of {label}", shapes(generator),
        )(*own)
        for which in (0, 1)
    ]  # fmt: skip


def shapes(generator: Any) -> list[str]:
    """The names of a generator's shapes."""
    return [name.strip() for name in (generator.shapes or "").split(",") if name.strip()]


@dataclass(frozen=True)
class Shape:
    """What is known of a shape: `domain` with its ends included or not, and whole numbers or all.

    `stated` is whether the generator's class says so, or its `_argcheck` is asked.
    """

    name: str
    domain: tuple[float, float] = (-np.inf, np.inf)
    inclusive: tuple[bool, bool] = (False, False)
    integrality: bool = False
    stated: bool = True


def shapes_known(generator: Any) -> list[Shape]:
    """Its shapes: SciPy's own classes state them; of a user's, SciPy wants positive numbers.

    A user's class with an `_argcheck` of its own may take any: what that refuses is refused.
    """
    if hasattr(generator, "_shape_info"):
        return [
            Shape(one.name, tuple(one.domain), tuple(one.inclusive), bool(one.integrality))
            for one in generator._shape_info()
        ]
    checked = type(generator)._argcheck.__module__ != "scipy.stats._distn_infrastructure"
    ends = (-np.inf, np.inf) if checked else (0.0, np.inf)
    return [Shape(name, ends, stated=not checked) for name in shapes(generator)]


def domain(low: float, high: float, closed_low: bool, closed_high: bool) -> Constraint:
    """The constraint of a shape whose domain has these ends."""
    if np.isfinite(low) and np.isfinite(high):
        return constraints.interval(float(low), float(high))
    if np.isfinite(low):
        ends = constraints.greater_than_eq if closed_low else constraints.greater_than
        return ends(0.0 if abs(low) < 1e-300 else float(low))
    return constraints.less_than(float(high)) if np.isfinite(high) else constraints.real


def between(low: Any, high: Any) -> Constraint:
    """The interval between two ends, None where there is none."""
    if low is None:
        return constraints.real if high is None else constraints.less_than(high)
    return constraints.greater_than(low) if high is None else constraints.interval(low, high)
