"""Cumulative distribution functions, and the implicit derivative of a sample."""

from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, describe, is_discrete


def attach(value: Tensor, *partials: tuple[Tensor, Tensor]) -> Tensor:
    """`value`, with given derivatives: `partials` are (tensor, ∂value/∂tensor), all elementwise."""
    attached = value.detach()
    for tensor, derivative in partials:
        attached = attached + derivative.detach() * (tensor - tensor.detach())
    return attached


@by_type
def cdf(dist: Distribution, x: Tensor) -> Tensor:
    """P(X ≤ x) of a univariate `dist` at `x` [*sample, *batch], differentiable in λ and in x.

    Raises Unsupported where there is no cdf.
    """
    try:
        return dist.cdf(x)
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no cdf, which implicit reparameterisation differentiates; "
            "add a `cdf` method to it, or use pathwise or reinforce-loo."
        ) from None


@by_type
def common_cdf(dist: Distribution, x: Tensor) -> Tensor:
    """The cdf of `dist` at `x` [*sample, *batch] from a point that does not depend on λ.

    Components of a mixture share that point. On a circle it is not where `cdf` begins.
    """
    return cdf(dist, x)


@by_type
def implicit(dist: Distribution, x: Tensor) -> Tensor:
    """The sample `x` of `dist` with its derivative ∂x/∂λ = −(∂F/∂λ) / p(x) attached: the shape of
    x.

    Raises Unsupported for discrete distributions, and for multivariate ones without conditional
    cdfs.
    """
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
