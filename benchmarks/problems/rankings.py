"""Orderings of n items: Plackett–Luce, exact by enumeration."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem
from benchmarks.problems import register
from estimators.distributions import OneHotPlackettLuce, PlackettLuce

LOGITS = [0.3, -0.5, 0.9, 0.0]
RELEVANCE = torch.tensor([1.0, 3.0, 0.0, 2.0], dtype=torch.float64)
PLACES = 320 * 40  # numbers behind each item of a mean of OneHotPlackettLuce
POSITIONS = torch.tensor([[0.0, 0.0], [1.0, 0.2], [0.4, 1.1], [1.3, 0.9]], dtype=torch.float64)
DISTANCES = torch.cdist(POSITIONS, POSITIONS)


class Dcg:
    """− Σ_i relevance(x_i) / log₂(1 + i), the discounted cumulative gain, with its terms."""

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        return self.terms(x, dist).sum(-1)

    def terms(self, x: Tensor, dist: Distribution) -> Tensor:
        """What each place adds: [..., places]."""
        place = torch.arange(1, x.shape[-1] + 1, device=x.device, dtype=RELEVANCE.dtype)
        return -RELEVANCE.to(x.device)[x] / (1 + place).log2()


def inversions(x: Tensor, dist: Distribution) -> Tensor:
    """The pairs that stand in the wrong order, Kendall's distance to 0, 1, …, n − 1."""
    wrong = x.unsqueeze(-1) > x.unsqueeze(-2)  # [..., i, j]: what comes at i is larger
    return wrong.triu(1).sum((-1, -2)).to(torch.get_default_dtype())


def tour(x: Tensor, dist: Distribution) -> Tensor:
    """The length of the closed tour Σ_i D(x_i, x_{i+1}), bilinear in a permutation matrix."""
    to = x.roll(-1, -2)
    return ((x @ DISTANCES.to(x)) * to).sum((-1, -2))


def displacement(x: Tensor, dist: Distribution) -> Tensor:
    """(Σ_ij c_ij x_ij − 1)², with c_ij the squared distance of place i from place j's own."""
    place = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device) / x.shape[-1]
    away = (place.unsqueeze(-1) - place).square()
    return ((x * away).sum((-1, -2)) - 1).square()


def assignment(x: Tensor, dist: Distribution) -> Tensor:
    """Σ_ij i relevance_j x_ij, linear in a permutation matrix."""
    place = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device)
    return (place.unsqueeze(-1) * RELEVANCE.to(x) * x).sum((-1, -2))


def ranking_problem(name: str, law: Callable, cost: Callable, footprint=None) -> None:
    """Register a problem of orderings of four items."""

    @register(name)
    def build() -> Problem:
        logits = torch.tensor(LOGITS, dtype=torch.float64)
        summary = " ".join((cost.__doc__ or type(cost).__doc__).split())
        return Problem(
            name, {"logits": logits}, law, cost, footprint=footprint, summary=summary.rstrip(".")
        )


ranking_problem("ranking-dcg", PlackettLuce, Dcg())
ranking_problem("ranking-dcg-top-2", partial(PlackettLuce, k=2), Dcg())
ranking_problem("ranking-inversions", PlackettLuce, inversions)
ranking_problem("permutation-assignment", OneHotPlackettLuce, assignment, PLACES)
ranking_problem("permutation-tour", OneHotPlackettLuce, tour, PLACES)
ranking_problem("permutation-displacement", OneHotPlackettLuce, displacement, PLACES)
