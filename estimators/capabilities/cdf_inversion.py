"""The inverse of a cdf by safeguarded Newton steps, where torch has no `icdf`."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.description import bounds
from estimators.capabilities.implicit import cdf, implicit

STEPS = 60


def invert_cdf(dist: Distribution, u: Tensor, bracket=None) -> Tensor:
    """x with F(x; λ) = u for a univariate continuous distribution: [*sample, *batch].

    Newton's steps where they stay in the bracket, else halvings, until F is right to its last
    digits; each element stops by itself. The bracket is the support, extended from ±1 by doubling
    where it has no end. Differentiable in λ, implicitly.
    """
    with torch.no_grad():
        low, high = bracket or bounds(dist)
        low = _extended(dist, u, -1.0) if low is None else _filled(low, u)
        high = _extended(dist, u, 1.0) if high is None else _filled(high, u)
        x, searching = (low + high) / 2, torch.ones_like(u, dtype=torch.bool)
        for _ in range(STEPS):
            excess = cdf(dist, x) - u
            searching = searching & (excess.abs() > 4 * torch.finfo(u.dtype).eps)
            if not searching.any():
                break
            low, high = torch.where(excess < 0, x, low), torch.where(excess < 0, high, x)
            newton = x - excess / dist.log_prob(x).exp()
            step = torch.where((newton > low) & (newton < high), newton, (low + high) / 2)
            x = torch.where(searching, step, x)
    return implicit(dist, x) if torch.is_grad_enabled() else x


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
