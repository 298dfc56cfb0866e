"""Normal and its multivariate kin: quantiles, and the weak derivatives in loc and scale."""

import math

import torch
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, Normal

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.quantile.register(Normal)
def _(dist, u):
    return dist.loc + dist.scale * torch.special.ndtri(u)


@capabilities.quantile.register(MultivariateNormal)
def _(dist, u):
    return dist.loc + (dist.scale_tril @ torch.special.ndtri(u).unsqueeze(-1)).squeeze(-1)


@capabilities.quantile.register(LowRankMultivariateNormal)
def _(dist, u):
    scale_tril = torch.linalg.cholesky(dist.covariance_matrix)  # D numbers of noise, not D + rank
    return dist.loc + (scale_tril @ torch.special.ndtri(u).unsqueeze(-1)).squeeze(-1)


@capabilities.weak_derivatives.register(Normal)
def _(dist, shape):
    """Mohamed et al. 2020, table 1: Weibull pairs in loc; double-sided Maxwell and normal in scale.

    A Rayleigh W for both sides of loc; and Maxwell M times uniform U is normal.
    """
    loc, scale = dist.loc.detach(), dist.scale.detach()
    noise = loc.new_empty((3, *shape, *loc.shape))
    reach = scale * (2 * noise[0].exponential_()).sqrt()  # Weibull(2, √2) is Rayleigh
    normal, exponential = noise[1].normal_(), noise[2].exponential_()
    maxwell = normal.sign() * (normal.square() + 2 * exponential).sqrt()  # ±√χ²₃
    inner = maxwell * torch.rand_like(maxwell)
    return {
        "loc": Coupled(1 / (scale * math.sqrt(2 * math.pi)), loc + reach, loc - reach),
        "scale": Coupled(1 / scale, loc + scale * maxwell, loc + scale * inner),
    }
