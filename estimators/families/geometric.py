"""Geometric (failures before a success): quantiles, the weak derivative in probs, and jumps."""

import torch
from torch.distributions import Geometric

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.quantile.register(Geometric)
def _(dist, u):
    return (torch.log1p(-u) / torch.log1p(-dist.probs.detach())).floor()


@capabilities.weak_derivatives.register(Geometric)
def _(dist, shape):
    """∂/∂p p(1 − p)ᵏ: a geometric, less one plus two of them, each with weight 1/p."""
    first, second = dist.sample(shape), dist.sample(shape)
    return {"probs": Coupled(1 / dist.probs.detach(), first, first + second + 1)}


@capabilities.jumps.register(Geometric)
def _(dist, x):
    """One fewer failure, at the rate x / (p(1 − p)): Arya et al. 2022, table 1."""
    p = dist.probs.detach()
    return {"probs": Coupled(x / (p * (1 - p)), (x - 1).clamp_min(0), x)}
