"""Beta: ∂x/∂α at a fixed cdf value, for both concentrations."""

import torch
from torch.distributions import Beta

from estimators import capabilities
from estimators.capabilities import attach
from estimators.special.gamma_beta import beta_derivatives
from estimators.special.gamma_beta_quantiles import beta_quantile, log_incomplete_beta


@capabilities.implicit.register(Beta)
def _(dist, x):
    a, b = dist.concentration1.expand_as(x), dist.concentration0.expand_as(x)
    by_a, by_b = beta_derivatives(a, b, x)
    return attach(x, (a, by_a), (b, by_b))


@capabilities.cdf.register(Beta)
def _(dist, x):
    a, b = dist.concentration1.expand_as(x), dist.concentration0.expand_as(x)
    log_x, log_y = x.detach().log(), torch.log1p(-x.detach())
    below, _ = log_incomplete_beta(a.detach(), b.detach(), log_x, log_y)
    density = dist.log_prob(x.detach()).exp()
    by_a, by_b = beta_derivatives(a, b, x)
    return attach(below.exp(), (x, density), (a, -density * by_a), (b, -density * by_b))


@capabilities.quantile.register(Beta)
def _(dist, u):
    a, b = dist.concentration1.expand_as(u), dist.concentration0.expand_as(u)
    x = beta_quantile(a.detach(), b.detach(), u).to(u.dtype)
    ends = torch.finfo(x.dtype)
    return capabilities.implicit(dist, x.clamp(ends.tiny, 1 - ends.eps / 2))


@capabilities.from_gammas.register(Beta)
def _(dist, gamma):
    first, second = gamma(dist.concentration1), gamma(dist.concentration0)
    return first / (first + second)
