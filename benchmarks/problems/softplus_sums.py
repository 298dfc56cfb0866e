"""Σ softplus(x) over the last axis, which likelihoods of Bernoullis are made of."""

from torch import Tensor
from torch.nn.functional import softplus

MOST = 64  # factors of at most 2 in one product


def sum_of_softplus(x: Tensor) -> Tensor:
    """Σ log(1 + eˣ): [..., N] → [...].

    Where no derivative is wanted, as Σ max(x, 0) − log Π σ(|x|): one logarithm for 64 numbers.
    """
    if x.requires_grad or x.dtype.itemsize < 4:
        return softplus(x).sum(-1)
    above = x.clamp_min(0).sum(-1)
    return above - sum(part.prod(-1).log() for part in x.abs().sigmoid().split(MOST, -1))
