"""Costs f(x) for toy problems and the command line: each reduces the event axes, nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

Cost = Callable[[Tensor, Distribution], Tensor]


def over_event(f: Tensor, dist: Distribution) -> Tensor:
    """The sum of f over the event axes of `dist`: [*sample, *batch]."""
    axes = len(dist.event_shape)
    return f.flatten(f.ndim - axes).sum(-1) if axes else f


def linear(slope: Tensor | float = 1.0) -> Cost:
    """Σ slope · x."""
    return lambda x, dist: over_event(_like(slope, x) * _floating(x), dist)


def quadratic(centre: Tensor | float = 0.0) -> Cost:
    """Σ (x − centre)²."""
    return lambda x, dist: over_event((_floating(x) - _like(centre, x)).square(), dist)


def exp_quadratic(rate: float = 1.0) -> Cost:
    """Σ exp(−rate · x²), as in Mohamed et al. 2020, section 3."""
    return lambda x, dist: over_event((-rate * _floating(x).square()).exp(), dist)


def cosine(frequency: float = 1.0) -> Cost:
    """Σ cos(frequency · x), as in Mohamed et al. 2020, section 3."""
    return lambda x, dist: over_event((frequency * _floating(x)).cos(), dist)


def step(at: float = 0.5) -> Cost:
    """Σ 1[x > at], whose derivative in x is zero or missing everywhere."""
    return lambda x, dist: over_event((x > at).to(_floating(x).dtype), dist)


def power(exponent: float = 3.0, centre: float = 0.45) -> Cost:
    """Σ |x − centre|^exponent: the polynomial toy of Liu et al. 2023, arXiv:2304.08612."""
    return lambda x, dist: over_event((_floating(x) - centre).abs().pow(exponent), dist)


COSTS: dict[str, Callable[..., Cost]] = {
    "linear": linear,
    "quadratic": quadratic,
    "exp-quadratic": exp_quadratic,
    "cosine": cosine,
    "step": step,
    "power": power,
}


def _floating(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


def _like(value: Tensor | float, x: Tensor) -> Tensor | float:
    return value.to(_floating(x)) if isinstance(value, Tensor) else value
