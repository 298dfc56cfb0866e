"""Truths of objectives that are integrals over a line or a plane, by the trapezoid rule."""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.objective.truth import Truth

Weights = dict[str, Tensor]


def by_quadrature(objective: Callable[..., Tensor], weights: Weights) -> Truth:
    """The gradient of `objective(step, **weights)`, which uses every `step`-th node of a rule.

    Its error is what leaving out every second node changes: far too large for rules that converge
    geometrically, as these do on smooth integrands.
    """
    leaves = {name: value.detach().clone().requires_grad_() for name, value in weights.items()}

    def gradient(step: int) -> Tensor:
        grads = torch.autograd.grad(objective(step, **leaves), list(leaves.values()))
        return torch.cat([grad.flatten() for grad in grads])

    fine, coarse = gradient(1), gradient(2)
    return Truth(fine, (fine - coarse).abs(), "quadrature")


def standard_normal(nodes: int, reach: float, step: int = 1) -> tuple[Tensor, Tensor]:
    """Every `step`-th node of a rule over N(0, 1) within ±`reach`, and its mass: [nodes / step]."""
    t = torch.linspace(-reach, reach, nodes, dtype=torch.float64)[::step]
    return t, (-t.square() / 2).softmax(0)


def plane(low: Tensor, high: Tensor, nodes: int, step: int = 1) -> tuple[Tensor, float]:
    """Every `step`-th node of a square grid between the corners, [nodes², 2], and its area."""
    across, up = (
        torch.linspace(float(a), float(b), nodes, dtype=torch.float64)[::step]
        for a, b in zip(low, high, strict=True)
    )
    return torch.cartesian_prod(across, up), float((across[1] - across[0]) * (up[1] - up[0]))
