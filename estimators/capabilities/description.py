"""What a distribution is: its name, its kind, its ends and its stated moments."""

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import boolean, independent

from estimators.capabilities.by_type import by_type
from estimators.capabilities.refusal import Unsupported

ALIKE = 64  # samples, of which a point mass has one value: four of a coin are often the same


def describe(dist: Distribution) -> str:
    """The distribution's type as a person would write it, such as `Independent(Normal)`."""
    inner = getattr(dist, "base_dist", None) or getattr(dist, "component_distribution", None)
    return type(dist).__name__ + (f"({describe(inner)})" if inner is not None else "")


def is_discrete(dist: Distribution) -> bool:
    """Whether the support is known to be discrete."""
    try:
        return bool(dist.support.is_discrete)
    except (AttributeError, NotImplementedError):
        return False


@by_type
def bounds(dist: Distribution) -> tuple[Tensor | float | None, Tensor | float | None]:
    """The ends of a univariate support; None where there is none or it is not known."""
    try:
        support = dist.support
    except (AttributeError, NotImplementedError):
        return None, None
    while isinstance(support, independent):
        support = support.base_constraint
    if support is boolean:
        return 0, 1
    return getattr(support, "lower_bound", None), getattr(support, "upper_bound", None)


@by_type
def stated_moments(dist: Distribution) -> tuple[Tensor, Tensor] | None:
    """The mean and variance that the distribution states, if it states finite ones."""
    try:
        mean, variance = dist.mean, dist.variance
    except (AttributeError, NotImplementedError):
        return None
    return (mean, variance) if mean.isfinite().all() and variance.isfinite().all() else None


@by_type
def mode(dist: Distribution) -> Tensor:
    """The most probable point: [*batch, *event]."""
    try:
        return dist.mode
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `mode`; add it, or use reinforce-loo."
        ) from None


def is_point_mass(dist: Distribution) -> bool:
    """Whether samples are functions of λ and nothing else, as those of a Delta are."""
    if not getattr(dist, "has_rsample", False):
        return False
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        x = dist.sample(torch.Size((ALIKE,)))
    return bool((x == x[:1]).all())
