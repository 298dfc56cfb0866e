"""The exact gradient of a program: sums over discrete nodes, quadrature over continuous ones.

Both are estimators without noise, so the truth is one execution with one of them at each node.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmarks.objective.truth import Truth
from benchmarks.truth.quadrature import NODES, quadrature_nodes
from estimators import Estimator, Unsupported, capabilities, create, evaluate
from estimators.programs import Joint, Strategies
from estimators.programs.joint import Place

if TYPE_CHECKING:
    from benchmarks.objective.definition import Problem

MOST_POINTS = 2**21  # of all nodes together, for each element of the batch
FEWEST_NODES = 129  # of one integral; fewer say nothing
CLOSE = 1e-4  # the error of what counts as exact, over the gradient


class Quadrature(Estimator):
    """∫ f(x) p(x; λ) dx over one number by the trapezoid rule in double exponential coordinates."""

    unbiased = True

    def __init__(self, nodes: int):
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "name", "quadrature")

    def surrogate(self, dist, cost, samples=1):
        if capabilities.moving_support(dist) or dist.event_shape.numel() != 1:
            raise Unsupported(f"{capabilities.describe(dist)} is not integrated over here.")
        x, log_weight = quadrature_nodes(dist, self.nodes)
        if x is None:
            raise Unsupported(f"The ends of {capabilities.describe(dist)} are not known.")
        x = x.detach().reshape(self.nodes, *dist.batch_shape, *dist.event_shape)
        log_weight = log_weight.detach().reshape(self.nodes, *dist.batch_shape)
        weighs = (dist.log_prob(x).detach() + log_weight).exp() > 1e-300  # [N, *B]
        x = x.where(capabilities.spread(dist, weighs), x[self.nodes // 2])  # no cost of 1e60
        f = evaluate(cost, x, dist)
        terms = (dist.log_prob(x) + log_weight.where(weighs, 0.0)).exp() * f
        return terms.where(weighs, 0.0).sum(0)


def nodewise(problem: "Problem", dist: Joint) -> Truth | None:
    """The truth of a program's problem, with an exact estimator at each node; None if too large."""
    places = dist.layout.places
    integrals = sum(not place.discrete for place in places)
    sums = math.prod(len(place.table) for place in places if place.table is not None)
    if any(place.discrete and place.table is None for place in places):
        return None
    most = MOST_POINTS // max(sums * dist.batch_shape.numel(), 1)
    nodes = min(int(most ** (1 / integrals)), NODES) if integrals else 0
    nodes -= (nodes - 1) % 8  # so that every second and fourth node are a rule too
    if sums > capabilities.LARGEST_SUPPORT or (integrals and nodes < FEWEST_NODES):
        return None
    if not integrals:
        gradient = _gradient(problem, places, 0)
        return Truth(gradient, torch.zeros_like(gradient), "enumeration")
    try:
        fine, coarse = (
            _gradient(problem, places, count) for count in (nodes, (nodes - 1) // 2 + 1)
        )
    except (Unsupported, NotImplementedError):
        return None
    error = torch.maximum((fine - coarse).abs(), 1e-12 * fine.abs())
    close = error.norm() <= CLOSE * fine.norm() + 1e-12
    return Truth(fine, error, "quadrature", f"{nodes} nodes an integral") if close else None


def _gradient(problem: "Problem", places: list[Place], nodes: int) -> Tensor:
    """The gradient of what the problem measures, with so many points for each integral: [P]."""
    enumeration, quadrature = create("enumeration"), Quadrature(nodes)
    exact = {place.name: enumeration if place.discrete else quadrature for place in places}
    return problem.gradients(Strategies.of(exact), 1, 1)[0].detach()
