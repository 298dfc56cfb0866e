"""Beta: ∂x/∂α at a fixed cdf value, for both concentrations."""

from torch.distributions import Beta

from estimators import capabilities
from estimators.capabilities import attach
from estimators.special.gamma_beta import beta_derivatives


@capabilities.implicit.register(Beta)
def _(dist, x):
    a, b = dist.concentration1.expand_as(x), dist.concentration0.expand_as(x)
    by_a, by_b = beta_derivatives(a, b, x)
    return attach(x, (a, by_a), (b, by_b))


@capabilities.from_gammas.register(Beta)
def _(dist, gamma):
    first, second = gamma(dist.concentration1), gamma(dist.concentration0)
    return first / (first + second)
