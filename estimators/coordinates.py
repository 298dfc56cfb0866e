"""Costs of samples in which one coordinate is exchanged, for all coordinates at once."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Cost, evaluate

AT_ONCE = 2**17  # numbers of samples whose costs are asked for together


@torch.no_grad()
def one_at_a_time(cost: Cost, x: Tensor, other: Tensor, dist: Distribution) -> Tensor:
    """The costs of x [K, *B, *E] with each coordinate in turn taken from `other`: [K, *B, *E]."""
    if not dist.event_shape:
        return evaluate(cost, other, dist)
    split = x.ndim - len(dist.event_shape)
    x, other = x.flatten(split), other.flatten(split)  # [K, *B, D]
    turn = torch.eye(x.shape[-1], dtype=torch.bool, device=x.device)
    turn = turn.reshape(-1, *[1] * split, x.shape[-1])  # [D, 1.., D]
    f = []
    for turns in turn.split(at_once(x)):
        mixed = torch.where(turns, other, x).flatten(0, 1)  # [d·K, *B, D], some at a time
        found = evaluate(cost, mixed.unflatten(-1, dist.event_shape), dist)  # [d·K, *B]
        f.append(found.unflatten(0, (len(turns), -1)))
    return torch.cat(f).movedim(0, -1).unflatten(-1, dist.event_shape)  # [K, *B, D]


def at_once(x: Tensor) -> int:
    """How many times as many numbers as x has may be held, to stay in the cache: one at least."""
    return max(AT_ONCE // max(x.numel(), 1), 1)
