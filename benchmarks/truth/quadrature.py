"""Nodes of the trapezoid rule in double exponential coordinates (Takahasi & Mori 1974)."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators import capabilities

NODES = 8193  # of the trapezoid rule; every second and fourth node gives its error
WIDTH = 5.0  # the rule runs over t in [−WIDTH, WIDTH] of the double exponential map


def quadrature_nodes(
    dist: Distribution, count: int = NODES
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Nodes over the support of a univariate distribution and their log weights: [N, *batch]."""
    batch = dist.batch_shape
    t = torch.linspace(-WIDTH, WIDTH, count, dtype=torch.float64)
    step = t[1] - t[0]
    t = t.reshape(-1, *[1] * len(batch)).expand(-1, *batch)
    u, du = math.pi / 2 * t.sinh(), math.pi / 2 * t.cosh()
    low, high = capabilities.bounds(dist)
    if low is None and high is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            draws = dist.sample((2001,)).reshape(2001, *batch).sort(0).values
        centre, scale = draws[1000], (draws[1500] - draws[500]).clamp_min(1e-12)
        x, slope = centre + scale * u.sinh(), scale * u.cosh() * du
    elif high is None:
        x, slope = low + u.exp(), u.exp() * du
    elif low is None:
        return None, None
    else:
        half = (high - low) / 2
        above, below = (low + 2 * half * (2 * u).sigmoid(), high - 2 * half * (-2 * u).sigmoid())
        x, slope = torch.where(u < 0, above, below), half * du / u.cosh().square()
        inside = (x > low) & (x < high)  # the outermost nodes round to the bounds
        x, slope = torch.where(inside, x, (low + high) / 2), torch.where(inside, slope, 0.0)
    return x, (slope * step).log()
