"""Cumulative distribution functions, and the implicit derivative of a sample."""

from functools import singledispatch

from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.description import Unsupported, describe, is_discrete


def attach(value: Tensor, *partials: tuple[Tensor, Tensor]) -> Tensor:
    """`value`, with given derivatives: pairs (tensor, ∂value/∂tensor), all elementwise."""
    attached = value.detach()
    for tensor, derivative in partials:
        attached = attached + derivative.detach() * (tensor - tensor.detach())
    return attached


@singledispatch
def cdf(dist: Distribution, x: Tensor) -> Tensor:
    """P(X ≤ x) of a univariate distribution, differentiable in λ and in x."""
    try:
        return dist.cdf(x)
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no cdf, which implicit reparameterisation differentiates; "
            "add a `cdf` method to it, or use pathwise or reinforce-loo."
        ) from None


@singledispatch
def common_cdf(dist: Distribution, x: Tensor) -> Tensor:
    """The cdf from a point that does not depend on λ, for components to share; on a circle."""
    return cdf(dist, x)


@singledispatch
def implicit(dist: Distribution, x: Tensor) -> Tensor:
    """The sample `x` with its derivative ∂x/∂λ = −(∂F/∂λ) / p(x) attached."""
    if is_discrete(dist):
        raise Unsupported(
            f"{describe(dist)} is discrete, so its samples do not move smoothly with λ; "
            "use reinforce-loo or another score-function estimator."
        )
    if dist.event_shape:
        raise Unsupported(
            f"{describe(dist)} is multivariate and has no conditional cdfs here; "
            "use pathwise or reinforce-loo."
        )
    x = x.detach()
    increment = cdf(dist, x)
    return x - (increment - increment.detach()) / dist.log_prob(x).detach().exp()
