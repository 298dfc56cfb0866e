"""Subsets of k of n items: conditional Bernoulli and top-k, exact by enumeration."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem
from benchmarks.problems import register
from estimators.distributions import ConditionalBernoulli, TopK

LOGITS = [0.6, -0.4, 0.1, 1.0, -0.8]
WEIGHTS = torch.tensor([1.0, -0.7, 0.4, 0.2, -1.3], dtype=torch.float64)
TARGET = torch.tensor([0.9, 0.1, 0.6, 0.2, 0.4], dtype=torch.float64)
COVERS = torch.tensor(  # which of six elements each of five sets holds
    [
        [1, 1, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 0],
        [1, 0, 0, 0, 1, 1],
        [0, 0, 1, 0, 0, 1],
    ],
    dtype=torch.float64,
)
TOP_K_NODES = 320 * 12  # numbers behind each item of a mean of TopK: its quadrature and its tree


def linear(x: Tensor, dist: Distribution) -> Tensor:
    """Σ w_i x_i: straight-through by exact marginals is exact here."""
    return x @ WEIGHTS.to(x)


def quadratic(x: Tensor, dist: Distribution) -> Tensor:
    """(Σ w_i x_i − 0.3)²: the items of a subset interact."""
    return (linear(x, dist) - 0.3).square()


def distance(x: Tensor, dist: Distribution) -> Tensor:
    """‖x − t‖² / n, as in the toy of Ahmed et al. 2023; linear on points of zeros and ones."""
    return (x - TARGET.to(x)).square().mean(-1)


def cover(x: Tensor, dist: Distribution) -> Tensor:
    """The elements that no chosen set covers: Σ_e Π_i (1 − x_i c_ie), multilinear in x."""
    return (1 - x.unsqueeze(-1) * COVERS.to(x)).prod(-2).sum(-1)


def subset_problem(name: str, law: Callable, k: int, cost: Callable, footprint=None) -> None:
    """Register a problem of k of five items."""

    @register(name)
    def build() -> Problem:
        logits = torch.tensor(LOGITS, dtype=torch.float64)
        return Problem(
            name,
            {"logits": logits},
            lambda logits: law(k, logits),
            cost,
            footprint=footprint,
            summary=f"{law.__name__}, {k} of {len(LOGITS)}: {cost.__doc__.partition(':')[0]}",
        )


subset_problem("subset-linear", ConditionalBernoulli, 2, linear)
subset_problem("subset-quadratic", ConditionalBernoulli, 2, quadratic)
subset_problem("subset-distance", ConditionalBernoulli, 3, distance)
subset_problem("subset-cover", ConditionalBernoulli, 2, cover)
subset_problem("top-k-quadratic", TopK, 2, quadratic, TOP_K_NODES)
subset_problem("top-k-cover", TopK, 3, cover, TOP_K_NODES)
