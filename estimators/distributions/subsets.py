"""Subsets of k of n items as vectors of zeros and ones: their constraint and their list."""

import math
from itertools import combinations

import torch
from torch import Tensor
from torch.distributions import constraints

MOST_POINTS = 2**16  # that a support is listed for


class SubsetConstraint(constraints.Constraint):
    """Vectors [n] of zeros and ones with exactly k ones."""

    is_discrete = True
    event_dim = 1

    def __init__(self, k: int):
        self.k = k

    def check(self, value: Tensor) -> Tensor:
        return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == self.k)


def checked_size(k: int, n: int) -> int:
    """`k` itself; ValueError unless it is an integer with 1 ≤ k ≤ n."""
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= n:
        raise ValueError(f"k must be an integer from 1 to the number of items, {n}, not {k!r}.")
    return k


def all_subsets(n: int, k: int, like: Tensor) -> Tensor:
    """Every subset, in lexicographic order of its items: [C(n, k), n]; NotImplementedError if many.

    `like` gives the dtype and the device.
    """
    if math.comb(n, k) > MOST_POINTS:
        raise NotImplementedError(
            f"There are {math.comb(n, k)} subsets of {k} of {n} items, more than the "
            f"{MOST_POINTS} that are listed; sample them instead."
        )
    chosen = torch.tensor(list(combinations(range(n), k)), device=like.device)
    return k_hot(chosen, n, like)


def k_hot(chosen: Tensor, n: int, like: Tensor) -> Tensor:
    """The vector with ones at the indices `chosen` [..., k]: [..., n]."""
    empty = torch.zeros(*chosen.shape[:-1], n, dtype=like.dtype, device=like.device)
    return empty.scatter(-1, chosen, 1.0)
