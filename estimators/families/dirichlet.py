"""Dirichlet: gammas over their sum, also by the quantiles of the gammas."""

from torch.distributions import Dirichlet, FisherSnedecor, Gamma

from estimators import capabilities


@capabilities.from_gammas.register(Dirichlet)
def _(dist, gamma):
    z = gamma(dist.concentration)
    return z / z.sum(-1, keepdim=True)


@capabilities.quantile.register(Dirichlet)
def _(dist, u):
    z = capabilities.quantile(Gamma(dist.concentration, 1.0, validate_args=False), u)
    return z / z.sum(-1, keepdim=True)


@capabilities.from_gammas.register(FisherSnedecor)
def _(dist, gamma):
    return gamma(dist.df1 / 2) / dist.df1 * dist.df2 / gamma(dist.df2 / 2)
