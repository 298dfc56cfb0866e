"""Student-t: the cdf, with its derivative in ν, and the quantile, all of which torch lacks."""

import torch
from torch.distributions import StudentT

from estimators import capabilities
from estimators.capabilities import attach
from estimators.special.gamma_beta import student_t_cdf_with_derivative, student_t_quantile


@capabilities.cdf.register(StudentT)
def _(dist, x):
    z = (x - dist.loc) / dist.scale
    df = dist.df.expand_as(z)
    density = dist.log_prob(x).exp() * dist.scale
    value, by_df = student_t_cdf_with_derivative(df, z.detach())
    return attach(value, (z, density), (df, by_df))


@capabilities.quantile.register(StudentT)
def _(dist, u):
    x = (dist.loc + dist.scale * student_t_quantile(dist.df, u)).detach()
    return capabilities.implicit(dist, x) if torch.is_grad_enabled() else x
