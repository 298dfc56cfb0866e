"""Poisson: quantiles by bisection, the weak derivative in rate, and jumps; the last two agree."""

import torch
from torch.distributions import Poisson

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.quantile.register(Poisson)
def _(dist, u):
    """The least k with P(X ≤ k) = Q(k + 1, rate) ≥ u, below a bound that the tail never passes."""
    rate = dist.rate.detach().expand_as(u)
    low, high = torch.full_like(u, -1.0), (2 * rate + 100).ceil()
    for _ in range(int(high.max()).bit_length() + 1):
        middle = ((low + high) / 2).floor()
        above = torch.special.gammaincc(middle.clamp_min(0) + 1, rate) >= u
        above = above & (middle >= 0)
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return high


@capabilities.weak_derivatives.register(Poisson)
def _(dist, shape):
    """∂p/∂rate = p(k − 1) − p(k): Mohamed et al. 2020, table 1."""
    x = dist.sample(shape)
    return {"rate": Coupled(torch.ones_like(x), x + 1, x)}


@capabilities.jumps.register(Poisson)
def _(dist, x):
    return {"rate": Coupled(torch.ones_like(x), x + 1, x)}
