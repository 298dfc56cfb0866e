"""Finite supports: their points, and the log-probability of each."""

from functools import singledispatch

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

LARGEST_SUPPORT = 2**16


def support_points(dist: Distribution) -> Tensor | None:
    """Every point of a finite support of at most 2^16 points: [N, *batch, *event], or None."""
    points = support_table(dist)
    if points is None:
        return None
    points = points.reshape(len(points), *[1] * len(dist.batch_shape), *dist.event_shape)
    return points.expand(-1, *dist.batch_shape, *dist.event_shape)


@singledispatch
def support_table(dist: Distribution) -> Tensor | None:
    """The points that all batch elements share: [N, *event], or None."""
    try:
        points = dist.enumerate_support(expand=False)
    except NotImplementedError:
        return None
    return points.reshape(-1, *dist.event_shape) if len(points) <= LARGEST_SUPPORT else None


@support_table.register
def _(dist: Independent) -> Tensor | None:
    factors = support_table(dist.base_dist)  # [s, *event of a factor]
    shape = dist.base_dist.batch_shape[len(dist.batch_shape) :]  # axes that became event axes
    count = shape.numel()
    if factors is None or len(factors) ** count > LARGEST_SUPPORT:
        return None
    choice = torch.cartesian_prod(*[torch.arange(len(factors), device=factors.device)] * count)
    return factors[choice.reshape(-1, count)].reshape(-1, *dist.event_shape)


@singledispatch
def support_log_prob(dist: Distribution) -> Tensor:
    """log p(x; λ) of every point of `support_points(dist)`: [N, *batch]."""
    return dist.log_prob(support_points(dist))


@support_log_prob.register
def _(dist: Independent) -> Tensor:
    axes = len(dist.batch_shape) + 1
    factors = support_log_prob(dist.base_dist).flatten(axes).unbind(-1)  # [s, *batch] each
    total = factors[0]
    for factor in factors[1:]:  # outer sums, in the order of the table: the last one runs fastest
        total = (total.unsqueeze(1) + factor.unsqueeze(0)).flatten(0, 1)
    return total
