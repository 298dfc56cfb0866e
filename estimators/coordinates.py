"""Costs of samples in which one coordinate is exchanged, for all coordinates at once."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Cost, evaluate


@torch.no_grad()
def one_at_a_time(cost: Cost, x: Tensor, other: Tensor, dist: Distribution) -> Tensor:
    """The costs of x [K, *B, *E] with each coordinate in turn taken from `other`: [K, *B, *E]."""
    if not dist.event_shape:
        return evaluate(cost, other, dist)
    split = x.ndim - len(dist.event_shape)
    x, other = x.flatten(split), other.flatten(split)  # [K, *B, D]
    turn = torch.eye(x.shape[-1], dtype=torch.bool, device=x.device)
    turn = turn.reshape(-1, *[1] * split, x.shape[-1])  # [D, 1.., D]
    mixed = torch.where(turn, other, x).flatten(0, 1)  # [D·K, *B, D]
    f = evaluate(cost, mixed.unflatten(-1, dist.event_shape), dist)  # [D·K, *B]
    f = f.unflatten(0, (len(turn), -1)).movedim(0, -1)  # [K, *B, D]
    return f.unflatten(-1, dist.event_shape)
