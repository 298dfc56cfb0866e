"""The inverse of a cdf by bisection, with implicit derivatives, where torch has no `icdf`."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.families.capabilities import bounds, cdf, implicit

HALVINGS = 52


def invert_cdf(dist: Distribution, u: Tensor, bracket=None) -> Tensor:
    """x with F(x; λ) = u for a univariate continuous distribution: [*sample, *batch].

    HALVINGS halvings of a bracket, which is the support, extended from ±1 by doubling where it
    has no end; every element is bisected on its own. Differentiable in λ, implicitly.
    """
    with torch.no_grad():
        low, high = bracket or bounds(dist)
        low = _extended(dist, u, -1.0) if low is None else _filled(low, u)
        high = _extended(dist, u, 1.0) if high is None else _filled(high, u)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = cdf(dist, middle) < u
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return implicit(dist, (low + high) / 2)


def _extended(dist: Distribution, u: Tensor, end: float) -> Tensor:
    """`end` doubled, for each element, until u lies on the inner side of its cdf."""
    x = torch.full_like(u, end)
    while True:
        inside = cdf(dist, x) < u if end > 0 else cdf(dist, x) > u
        if not (inside & (x.abs() < torch.finfo(x.dtype).max / 4)).any():
            return x
        x = torch.where(inside, 2 * x, x)


def _filled(end: Tensor | float, u: Tensor) -> Tensor:
    return torch.as_tensor(end, dtype=u.dtype, device=u.device).expand_as(u)
