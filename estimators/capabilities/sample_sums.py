"""Sums over the K samples of an estimate, whose axes stand in front of all others."""

import torch
from torch import Tensor

from estimators.special.loops import brought
from estimators.special.values import is_known

FEW = 16  # samples that torch adds up one after the other
ABREAST = 32  # numbers of a sample that it adds up at the same time, or a divisor of those


def over_samples(t: Tensor, like: Tensor) -> Tensor:
    """The sum of t over the axes in front of those of `like`, without a copy if there is one."""
    extra = t.ndim - like.ndim
    if t.shape[:extra].numel() == 1:
        return t.reshape(t.shape[extra:])
    return t.flatten(0, extra - 1).sum(0)


def sums_by_loop(weight: Tensor, z: Tensor, like: Tensor) -> tuple[Tensor, Tensor] | None:
    """Σ w z and Σ w z² over the axes in front of those of `like`, by the loop for it.

    None where there is no such loop, or torch would add up in another order.
    """
    loop = brought("weighted_sums")
    if loop is None or not _in_turn(weight, z, like):
        return None
    weight = weight.view(z.numel() // like.numel(), -1)  # [K, N]
    first, second = z.new_empty(2, *like.shape)
    sums = (part.view(weight.shape[1], -1).numpy() for part in (first, second))
    loop(weight.numpy(), z.view(*weight.shape, -1).numpy(), *sums)
    return first, second


def _in_turn(weight: Tensor, z: Tensor, like: Tensor) -> bool:
    """Whether torch adds up the samples one after the other, and a loop could."""
    if torch.is_grad_enabled() or like.numel() % ABREAST:
        return False
    plain = all(
        is_known(part)
        and part.dtype is torch.float64
        and part.device.type == "cpu"
        and part.is_contiguous()
        for part in (weight, z)
    )
    alike = z.shape[z.ndim - like.ndim :] == like.shape
    return plain and alike and 1 < z.numel() // max(like.numel(), 1) <= FEW
