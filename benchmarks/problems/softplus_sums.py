"""Σ softplus(x) over the last axis, which likelihoods of Bernoullis are made of."""

from torch import Tensor, float64
from torch._C._functorch import maybe_current_level
from torch.nn.functional import softplus

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
    if _is_plain(x):
        factors = (x if minus else -x).sigmoid().unflatten(-1, (-1, FACTORS))
        logarithms = factors.prod(-1).log()
        if logarithms.numel() and logarithms.amin() > LEAST:  # nor where there is a NaN
            return -logarithms.sum(-1)
    above = -x.clamp_max(0).sum(-1) if minus else x.clamp_min(0).sum(-1)
    return above - sum(part.prod(-1).log() for part in x.abs().sigmoid().split(MOST, -1))


def _is_plain(x: Tensor) -> bool:
    """Whether the numbers are there, to be looked at, and as many as products of them need."""
    there = type(x) is Tensor and x.device.type == "cpu" and maybe_current_level() is None
    return there and x.dtype is float64 and x.shape[-1] % FACTORS == 0
