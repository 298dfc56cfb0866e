"""Finite supports: their points, and the log-probability of each."""

import inspect

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, OneHotCategorical
from torch.distributions.constraints import one_hot

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, bounds, describe, is_discrete
from estimators.capabilities.leaf_tensors import tensors

LARGEST_SUPPORT = 2**16


def support_points(dist: Distribution) -> Tensor | None:
    """Every point of a finite support of at most 2^16 points: [N, *batch, *event], or None."""
    points = support_table(dist)
    if points is None:
        return None
    points = points.reshape(len(points), *[1] * len(dist.batch_shape), *dist.event_shape)
    return points.expand(-1, *dist.batch_shape, *dist.event_shape)


@by_type
def support_table(dist: Distribution) -> Tensor | None:
    """The points that all batch elements share: [N, *event], or None."""
    try:
        points = _enumerated(dist)
    except NotImplementedError:
        points = _product(dist)
    if points is None or len(points) > LARGEST_SUPPORT:
        return None
    return points.reshape(-1, *dist.event_shape)


def _enumerated(dist: Distribution) -> Tensor | None:
    """What `enumerate_support` gives, also where it always expands: [N, *event] or as torch has it.

    None where batch elements differ.
    """
    bare = "expand" not in inspect.signature(dist.enumerate_support).parameters
    points = dist.enumerate_support() if bare else dist.enumerate_support(expand=False)
    shape, batch = points.shape[1:], dist.batch_shape
    if not batch.numel() or shape != batch + dist.event_shape or not batch:
        return points
    rows = points.flatten(1, len(batch))  # [N, batch, *event]
    return rows[:, 0] if torch.equal(rows, rows[:, :1].expand_as(rows)) else None


def _product(dist: Distribution) -> Tensor | None:
    """Every point of a finite range of integers in each coordinate, common to all batch elements.

    [N, *event], or None. What the support allows beyond that of the density has no mass.
    """
    if is_discrete(dist) and dist.support is one_hot:
        like = next(iter(tensors(dist).values()), torch.zeros(()))
        return torch.eye(dist.event_shape[-1], dtype=like.dtype, device=like.device)
    low, high = bounds(dist)
    if not is_discrete(dist) or low is None or high is None:
        return None
    low, high = (torch.as_tensor(end).unique() for end in (low, high))
    if low.numel() * high.numel() != 1 or not high - low < LARGEST_SUPPORT:
        return None
    count, size = dist.event_shape.numel(), int(high) - int(low) + 1
    if size**count > LARGEST_SUPPORT:
        return None
    like = next(iter(tensors(dist).values()), torch.zeros(()))
    one = torch.arange(int(low), int(high) + 1, dtype=like.dtype, device=like.device)
    if not dist.event_shape:
        return one
    return torch.cartesian_prod(*[one] * count).reshape(-1, *dist.event_shape)


@support_table.register
def _(dist: Independent) -> Tensor | None:
    factors = support_table(dist.base_dist)  # [s, *event of a factor]
    shape = dist.base_dist.batch_shape[len(dist.batch_shape) :]  # axes that became event axes
    count = shape.numel()
    if factors is None or len(factors) ** count > LARGEST_SUPPORT:
        return None
    choice = torch.cartesian_prod(*[torch.arange(len(factors), device=factors.device)] * count)
    return factors[choice.reshape(-1, count)].reshape(-1, *dist.event_shape)


@by_type
def support_log_prob(dist: Distribution) -> Tensor:
    """log p(x; λ) of every point of `support_points(dist)`: [N, *batch]."""
    points = support_points(dist)
    if points is None:
        raise Unsupported(
            f"{describe(dist)} has no finite support of at most {LARGEST_SUPPORT} points to sum "
            "over: no `enumerate_support`, and no `support` of integers between two ends; add "
            "one, or use reinforce-loo."
        )
    return dist.log_prob(points)


@support_log_prob.register(Categorical)
@support_log_prob.register(OneHotCategorical)
def _(dist) -> Tensor:
    if _has_density_of_its_own(dist):
        return dist.log_prob(support_points(dist))
    return dist.logits.movedim(-1, 0)  # a gather of every point would hold N² numbers backwards


def _has_density_of_its_own(dist: Distribution) -> bool:
    """Whether a user's subclass of a distribution of torch's has another `log_prob`."""
    owner = next(cls for cls in type(dist).__mro__ if "log_prob" in vars(cls))
    return owner.__module__.partition(".")[0] not in ("torch", "estimators")


@support_log_prob.register
def _(dist: Independent) -> Tensor:
    axes = len(dist.batch_shape) + 1
    factors = support_log_prob(dist.base_dist).flatten(axes).unbind(-1)  # [s, *batch] each
    total = factors[0]
    for factor in factors[1:]:  # outer sums, in the order of the table: the last one runs fastest
        total = (total.unsqueeze(1) + factor.unsqueeze(0)).flatten(0, 1)
    return total
