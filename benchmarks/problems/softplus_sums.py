"""Σ softplus(x) over the last axis, which likelihoods of Bernoullis are made of."""

from torch import Tensor
from torch.nn.functional import softplus

MOST = 64  # factors of at most 2 in one product


def sum_of_softplus(x: Tensor) -> Tensor:
    """Σ log(1 + eˣ): [..., N] → [...].

    Where no derivative is wanted, as Σ (x + |x|)/2 − log Π σ(|x|): one logarithm for 64 numbers.
    """
    if x.requires_grad:
        return softplus(x).sum(-1)
    size = x.abs()
    above = (x.sum(-1) + size.sum(-1)) / 2
    return above - sum(part.prod(-1).log() for part in size.sigmoid_().split(MOST, -1))
