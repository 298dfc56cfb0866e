"""Exponential: as a gamma with concentration one, and the weak derivative in rate."""

import torch
from torch.distributions import Exponential

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.from_gammas.register(Exponential)
def _(dist, gamma):
    return gamma(torch.ones_like(dist.rate)) / dist.rate


@capabilities.weak_derivatives.register(Exponential)
def _(dist, shape):
    """∂p/∂rate = (Exponential − Erlang(2)) / rate; the Erlang is the first plus a second."""
    rate = dist.rate.detach()
    first, second = rate.new_empty((2, *shape, *rate.shape)).exponential_() / rate
    return {"rate": Coupled(1 / rate, first, first + second)}
