"""Dirichlet: gammas over their sum, also by the quantiles of the gammas."""

import torch
from torch.distributions import Dirichlet, FisherSnedecor

from estimators import capabilities
from estimators.families.gamma import log_quantile


@capabilities.from_gammas.register(Dirichlet)
def _(dist, gamma):
    z = gamma(dist.concentration)
    return z / z.sum(-1, keepdim=True)


@capabilities.quantile.register(Dirichlet)
def _(dist, u):
    """Gammas over their sum, of their logarithms: they may all underflow."""
    x = log_quantile(dist.concentration, u).softmax(-1)
    return x.clamp_min(torch.finfo(x.dtype).tiny)


@capabilities.from_gammas.register(FisherSnedecor)
def _(dist, gamma):
    return gamma(dist.df1 / 2) / dist.df1 * dist.df2 / gamma(dist.df2 / 2)
