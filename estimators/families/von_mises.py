"""Von Mises: a cdf on the circle, measured from loc − π, with its derivatives; torch has none."""

import math

import torch
from torch.distributions import VonMises

from estimators import capabilities
from estimators.capabilities import attach
from estimators.capabilities.cdf_inversion import invert_cdf
from estimators.special.gamma_beta import von_mises_cdf


@capabilities.bounds.register(VonMises)
def _(dist):
    return -math.pi, math.pi  # torch calls the support real


@capabilities.stated_moments.register(VonMises)
def _(dist):
    return None  # the variance that torch states is that of the circle


@capabilities.cdf.register(VonMises)
def _(dist, x):
    angle = x - dist.loc
    angle = angle - (2 * math.pi * torch.round(angle / (2 * math.pi))).detach()  # to [−π, π]
    concentration = dist.concentration.expand_as(angle)
    value, by_concentration = von_mises_cdf(concentration, angle.detach())
    density = dist.log_prob(x).exp()
    return attach(value, (angle, density), (concentration, by_concentration))


@capabilities.common_cdf.register(VonMises)
def _(dist, x):
    """From −π, where torch's samples begin."""
    start = capabilities.cdf(dist, torch.full_like(x, -math.pi))
    return (capabilities.cdf(dist, x) - start) % 1


@capabilities.quantile.register(VonMises)
def _(dist, u):
    loc = dist.loc.detach()  # the cdf is measured from loc − π, and wraps
    x = invert_cdf(dist, u, (loc - math.pi, loc + math.pi))
    return x - (2 * math.pi * torch.round(x / (2 * math.pi))).detach()  # as `sample` wraps it
