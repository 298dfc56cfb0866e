"""Gauss–Legendre quadrature, elementwise over tensors of intervals."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

# An integrand that has fallen by e^−38 < 2^−54 adds nothing in float64.
FALL = 38.0

_NODES, _NODES_AT_ONCE = 64, 8


def integrate(integrand: Callable[[Tensor], Tensor], start: Tensor | float, end: Tensor) -> Tensor:
    """∫ integrand over [start, end] in float64, by 64 nodes for each element.

    integrand: takes y [nodes, *B] and may put axes of its own before: [..., nodes, *B].
    A few nodes at a time keep the memory small and the calls few.
    """
    width = end - start  # [*B]
    column = (-1,) + (1,) * width.ndim
    total = torch.zeros_like(width)
    for nodes, weights in _gauss_legendre(width.device):
        values = weights.view(column) * integrand(start + width * nodes.view(column))
        total = total + values.sum(-1 - width.ndim)
    return width * total


@functools.cache
def _gauss_legendre(device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """(nodes, weights) on [0, 1], a few at a time, by Golub & Welsch (1969)."""
    k = torch.arange(1, _NODES, dtype=torch.float64)
    beta = k / (4 * k**2 - 1).sqrt()
    nodes, vectors = torch.linalg.eigh(beta.diag(1) + beta.diag(-1))
    rule = torch.stack(((nodes + 1) / 2, vectors[0] ** 2)).to(device)
    return [tuple(part) for part in rule.split(_NODES_AT_ONCE, dim=1)]
