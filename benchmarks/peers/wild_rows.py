"""A class of somebody's, with example parameters, a cost and its expectation where one is known."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem


@dataclass(frozen=True, eq=False)
class Row:
    """`family(**parameters)` with a cost; `expected(**parameters)` is E[cost] in closed form."""

    name: str
    family: Callable[..., Distribution]
    cost: Callable[[Tensor, Distribution], Tensor]
    expected: Callable[..., Tensor] | None
    parameters: dict[str, Tensor]

    def problem(self) -> Problem:
        """With the exact gradient as its truth where the expectation is known."""
        return Problem(self.name, self.parameters, self.family, self.cost, truth=self.exact())

    def exact(self) -> dict[str, Tensor] | str:
        """∇E[cost] in float64 by the closed form, else "auto"."""
        if self.expected is None:
            return "auto"
        leaves = {k: v.double().requires_grad_() for k, v in self.parameters.items()}
        value = self.expected(**leaves).sum()
        found = torch.autograd.grad(
            value, list(leaves.values()), allow_unused=True, materialize_grads=True
        )
        return dict(zip(leaves, found, strict=True))


def row(name: str, family: Callable, /, cost=None, expected=None, **parameters) -> Row:
    """A row; `parameters` are numbers or nested lists of them."""
    tensors = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in parameters.items()}
    return Row(name, family, cost or quadratic, expected, tensors)


def over_event(f: Tensor, dist: Distribution) -> Tensor:
    """The sum over the event axes."""
    axes = len(dist.event_shape)
    return f.flatten(f.ndim - axes).sum(-1) if axes else f


def quadratic(x: Tensor, dist: Distribution) -> Tensor:
    """Σ (x − 1/2)²."""
    return over_event((_floating(x) - 0.5).square(), dist)


def cosine(x: Tensor, dist: Distribution) -> Tensor:
    """Σ cos x, for heavy tails and circles."""
    return over_event(_floating(x).cos(), dist)


def weighted(x: Tensor, dist: Distribution) -> Tensor:
    """Σ i x_i, i from 1, for directions and choices, whose squares are constant."""
    x = _floating(x)
    flat = x.flatten(x.ndim - len(dist.event_shape))
    return flat @ torch.arange(1.0, flat.shape[-1] + 1, dtype=x.dtype)


def quadratic_of(mean: Tensor, variance: Tensor) -> Tensor:
    """E Σ (x − 1/2)² of these moments."""
    return variance + (mean - 0.5).square()


def _floating(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.double()
