"""Costs f(x) for toy problems and the command line: each reduces the event axes, nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities import factor

Cost = Callable[[Tensor, Distribution], Tensor]


def over_event(f: Tensor, dist: Distribution) -> Tensor:
    """The sum of `f` [*sample, *batch, *event] over the event axes of `dist`: [*sample, *batch]."""
    axes = len(dist.event_shape)
    return f.flatten(f.ndim - axes).sum(-1) if axes else f


def elementwise(f: Callable[[Tensor], Tensor]) -> Cost:
    """Σ f(x) over the event; its `terms` are the sums within each factor or place."""

    def cost(x: Tensor, dist: Distribution) -> Tensor:
        return over_event(f(_floating(x)), dist)

    cost.terms = lambda x, dist: over_event(f(_floating(x)), factor(dist))
    return cost


def linear(slope: Tensor | float = 1.0) -> Cost:
    """Σ slope · x."""
    return elementwise(lambda x: _like(slope, x) * x)


def quadratic(centre: Tensor | float = 0.0) -> Cost:
    """Σ (x − centre)²."""
    return elementwise(lambda x: (x - _like(centre, x)).square())


def exp_quadratic(rate: float = 1.0) -> Cost:
    """Σ exp(−rate · x²), as in Mohamed et al. 2020, section 3."""
    return elementwise(lambda x: (-rate * x.square()).exp())


def cosine(frequency: float = 1.0) -> Cost:
    """Σ cos(frequency · x), as in Mohamed et al. 2020, section 3."""
    return elementwise(lambda x: (frequency * x).cos())


def step(at: float = 0.5) -> Cost:
    """Σ 1[x > at], whose derivative in x is zero or missing everywhere."""
    return elementwise(lambda x: (x > at).to(x.dtype))


def power(exponent: float = 3.0, centre: float = 0.45) -> Cost:
    """Σ |x − `centre`|^`exponent`: the polynomial toy of Liu et al. 2023, arXiv:2304.08612."""
    return elementwise(lambda x: (x - centre).abs().pow(exponent))


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
    return value.to(x) if isinstance(value, Tensor) else value
