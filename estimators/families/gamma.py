"""Gamma (and Chi2): a cdf that can be differentiated in the concentration, which torch lacks."""

import torch
from torch.distributions import Gamma

from estimators.families import capabilities
from estimators.families.capabilities import attach
from estimators.special import gamma_derivative


@capabilities.cdf.register(Gamma)
def _(dist, x):
    z = x * dist.rate
    alpha = dist.concentration.expand_as(z)
    density = ((alpha - 1) * z.log() - z - torch.lgamma(alpha)).exp()
    slope = -density * gamma_derivative(alpha, z)  # ∂F/∂α at fixed z
    return attach(torch.special.gammainc(alpha, z), (z, density), (alpha, slope))


@capabilities.implicit.register(Gamma)
def _(dist, x):
    z = (x * dist.rate).detach()
    alpha = dist.concentration.expand_as(z)
    return attach(z, (alpha, gamma_derivative(alpha, z))) / dist.rate
