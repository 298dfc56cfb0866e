"""Σ softplus(x) over the last axis, which likelihoods of Bernoullis are made of."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from estimators.special.values import is_known

MOST = 64  # factors of at least 1/2 in one product
FACTORS = 16  # of any size in one
LEAST = -650.0  # logarithm of a product from which it has all its digits


def sum_of_softplus(x: Tensor, minus: bool = False) -> Tensor:
    """Σ log(1 + eˣ), or of −x if `minus`: [..., N] → [...].

    Where no derivative is wanted, as − log Π σ(−x), a logarithm for 16 numbers in double precision,
    or as Σ max(x, 0) − log Π σ(|x|), one for 64.
    """
    if x.requires_grad or x.dtype.itemsize < 4:
        return softplus(-x if minus else x).sum(-1)
    quick = x.dtype is torch.float64 and x.device.type == "cpu" and x.shape[-1] % FACTORS == 0
    if not (quick and x.numel() and is_known(x)):
        return _in_halves(x, minus)
    factors = (x if minus else -x).sigmoid().unflatten(-1, (-1, FACTORS))
    logarithms = factors.prod(-1).log()
    if logarithms.amin() > LEAST:  # nor where there is a NaN
        return 0.0 - logarithms.sum(-1)
    exact = logarithms.amin(-1) > LEAST  # each sum by its own numbers, whatever the others are
    return torch.where(exact, 0.0 - logarithms.sum(-1), _in_halves(x, minus))


def _in_halves(x: Tensor, minus: bool) -> Tensor:
    """The same of numbers of any size."""
    above = 0.0 - x.clamp_max(0).sum(-1) if minus else x.clamp_min(0).sum(-1)
    return above - sum(part.prod(-1).log() for part in x.abs().sigmoid().split(MOST, -1))
