"""Objectives that weigh K costs by their order: a quantile, the worst share of them, the best of k.

Each is a reduction for `Reduced` or `Problem(reduction=…)`: Σ_i w_i f_(i) over the sorted costs.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from estimators.core import Unsupported


class OrderWeighted(ABC):
    """Σ_i w_i f_(i) of costs f [..., K], f_(1) the least: [...]."""

    def __call__(self, f: Tensor) -> Tensor:
        weights = torch.tensor(self.weights(f.shape[-1]), dtype=f.dtype, device=f.device)
        return (f.sort(-1).values * weights).sum(-1)

    @abstractmethod
    def weights(self, count: int) -> list[float]:
        """w_1 … w_K for K = `count`; they add up to one."""


@dataclass(frozen=True)
class BestOf(OrderWeighted):
    """The least cost among `k` draws, averaged over all sets of k of the K: unbiased for K ≥ k.

    w_i = C(K − i, k − 1) / C(K, k). Costs are to be small: of rewards r, use the cost −r.
    ValueError for k < 1; Unsupported for K < k.
    Source: Walder & Karkhanis 2025, arXiv:2505.15201 (max@k).
    """

    k: int

    def __post_init__(self):
        if self.k < 1:
            raise ValueError(f"The best of k needs k of one or more, not {self.k}.")

    def weights(self, count: int) -> list[float]:
        if count < self.k:
            raise Unsupported(
                f"The best of {self.k} draws needs {self.k} of them, not {count}; pass samples="
                f"{self.k} or more."
            )
        sets = math.comb(count, self.k)
        return [math.comb(count - i, self.k - 1) / sets for i in range(1, count + 1)]


@dataclass(frozen=True)
class TailMean(OrderWeighted):
    """The mean of the largest `share` of the K costs: the CVaR of their empirical distribution.

    Its mean over draws tends to the CVaR at level 1 − share, with a bias of order 1/K.
    ValueError unless 0 < share ≤ 1. Source: Rockafellar & Uryasev 2000, Journal of Risk 2(3).
    """

    share: float

    def __post_init__(self):
        if not 0 < self.share <= 1:
            raise ValueError(f"The share of costs must be in (0, 1], not {self.share}.")

    def weights(self, count: int) -> list[float]:
        wanted = self.share * count
        return [min(max(wanted - above, 0.0), 1.0) / wanted for above in reversed(range(count))]


@dataclass(frozen=True)
class Quantile(OrderWeighted):
    """The quantile of the K costs at `level`: the ⌈level K⌉-th least.

    Its mean over draws tends to the quantile of the law, with a bias of order 1/K.
    ValueError unless 0 < level ≤ 1. Source: Hong 2009, Operations Research 57(1), for its gradient.
    """

    level: float

    def __post_init__(self):
        if not 0 < self.level <= 1:
            raise ValueError(f"The level of a quantile must be in (0, 1], not {self.level}.")

    def weights(self, count: int) -> list[float]:
        place = max(1, math.ceil(self.level * count - 1e-9))
        return [float(i == place) for i in range(1, count + 1)]
