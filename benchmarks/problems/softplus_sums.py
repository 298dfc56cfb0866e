"""Σ softplus(x) over the last axis, which likelihoods of Bernoullis are made of."""

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from torch.nn.functional import softplus

from estimators.special.values import is_known

MOST = 64  # factors of at least 1/2 in one product
FACTORS = {torch.float32: 8, torch.float64: 16}  # of any size in one
LEAST = {torch.float32: -80.0, torch.float64: -650.0}  # log of a product that has all its digits


def sum_of_softplus(x: Tensor, minus: bool = False) -> Tensor:
    """Σ log(1 + eˣ), or of −x if `minus`: [..., N] → [...].

    As − log Π σ(−x), a logarithm for several numbers, or, without a derivative, as
    Σ max(x, 0) − log Π σ(|x|), one for 64. Errors of a term, and of its derivative, are those of
    numbers near one, however small it is.
    """
    wanted = x.requires_grad and torch.is_grad_enabled()
    if _quick(x):
        y = x if minus else -x
        return _MinusLogSigmoids.apply(y) if wanted else _by_products(y, y.sigmoid())
    if wanted or x.dtype.itemsize < 4:
        return softplus(-x if minus else x).sum(-1)
    return _in_halves(x, minus)


class _MinusLogSigmoids(torch.autograd.Function):
    """− Σ log σ(x), whose derivative σ(x) − 1 needs no other function."""

    @staticmethod
    def forward(ctx, x):
        factors = x.sigmoid()
        ctx.save_for_backward(x, factors)
        return _by_products(x, factors)

    @staticmethod
    def backward(ctx, grad):
        x, factors = ctx.saved_tensors
        grad = grad.unsqueeze(-1)
        if torch.is_grad_enabled():  # a derivative of this one may be wanted
            return (x.sigmoid() - 1) * grad
        each = factors - 1
        return each.mul_(grad) if is_known(grad) else each * grad


def _quick(x: Tensor) -> bool:
    """Whether products can be looked at, and fill the axis."""
    number = FACTORS.get(x.dtype)
    whole = number and x.ndim and x.shape[-1] % number == 0 and x.numel()
    plain = bool(whole) and x.device.type == "cpu" and is_known(x)
    return plain and unpack_dual(x).tangent is None


def _by_products(x: Tensor, factors: Tensor) -> Tensor:
    """− Σ log σ(x), whose `factors` are given."""
    products, number = factors, x.shape[-1]
    for _ in range(FACTORS[x.dtype].bit_length() - 1):
        number //= 2
        products = products[..., :number] * products[..., number:]
    logarithms = products.log()
    if logarithms.amin() > LEAST[x.dtype]:  # nor where there is a NaN
        return 0.0 - logarithms.sum(-1)
    exact = logarithms.amin(-1) > LEAST[x.dtype]  # each sum by its own numbers, whatever others are
    return torch.where(exact, 0.0 - logarithms.sum(-1), _in_halves(x, True))


def _in_halves(x: Tensor, minus: bool) -> Tensor:
    """The same of numbers of any size."""
    above = 0.0 - x.clamp_max(0).sum(-1) if minus else x.clamp_min(0).sum(-1)
    return above - sum(part.prod(-1).log() for part in x.abs().sigmoid().split(MOST, -1))
