"""The law behind a network, as a problem in the few numbers that the distribution holds."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem
from estimators.capabilities.leaf_tensors import expanded, replaced, tensors

MANY = 2**14  # weights, from which on copies of them are not made for the sake of the law


def at_own_tensors(problem: Problem) -> Problem:
    """`problem` in the tensors that its distribution holds, where λ is many weights behind them.

    Density, samples and their derivatives are held against one another in these as well as in the
    weights, in a thousandth of the memory.
    """
    if problem.size <= MANY:
        return problem
    with torch.no_grad():
        dist = problem.dist()
    held = tensors(dist)
    if not held or sum(t.numel() for t in held.values()) >= problem.size:
        return problem

    def family(**values: Tensor) -> Distribution:
        lead = _lead(held, values)
        wide = expanded(dist, lead + dist.batch_shape) if lead else dist
        return replaced(wide, values)

    own = {path: t.detach().clone() for path, t in held.items()}
    return replace(problem, parameters=own, family=family, weights=None, network=None, truth=None)


def _lead(held: dict[str, Tensor], values: dict[str, Tensor]) -> torch.Size:
    """The axes that `values` have before those of the tensors `held`."""
    path = next(iter(held))
    return values[path].shape[: values[path].ndim - held[path].ndim]
