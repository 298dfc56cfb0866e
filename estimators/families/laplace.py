"""Laplace: the weak derivatives in loc and scale."""

import torch
from torch.distributions import Laplace

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.weak_derivatives.register(Laplace)
def _(dist, shape):
    """∂p/∂loc is right less left half; in scale, the radius is Erlang(2) less exponential."""
    loc, scale = dist.loc.detach(), dist.scale.detach()
    first, second = loc.new_empty((2, *shape, *loc.shape)).exponential_() * scale
    side = torch.randint_like(first, 2) * 2 - 1
    return {
        "loc": Coupled(1 / (2 * scale), loc + first, loc - first),
        "scale": Coupled(1 / scale, loc + side * (first + second), loc + side * first),
    }
