"""Costs of several draws: the costs of each, reduced to one number."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities import describe
from estimators.core import Cost, Unsupported, bound, evaluate
from estimators.distributions import Copies


def importance_weighted(f: Tensor) -> Tensor:
    """−log mean exp(−f) over the last axis: the negative IWAE bound if f = −log w.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519.
    """
    return math.log(f.shape[-1]) - (-f).logsumexp(-1)


@dataclass(frozen=True)
class Reduced:
    """The cost of K draws that are one sample of `Copies`: a reduction of the costs of each.

    `cost` is f(x, dist) of one draw; `reduction` takes costs [..., K] and reduces the last axis.
    """

    cost: Cost
    reduction: Callable[[Tensor], Tensor] = importance_weighted

    def __call__(self, x: Tensor, dist: Copies) -> Tensor:
        """L(f(x_1), …, f(x_K)): [S, *B] for x [S, *B, K, *E]."""
        return self.reduction(self.terms(x, dist))

    def terms(self, x: Tensor, dist: Copies) -> Tensor:
        """f(x_k), what depends on each draw: [S, *B, K], for `x` [S, *B, K, *E] of the copies
        `dist`.
        """
        apart = dist.apart(x)  # [S, K, *B, *E]
        f = evaluate(self.cost, apart.flatten(0, 1), dist.base_dist)
        return f.unflatten(0, apart.shape[:2]).movedim(1, -1)

    def given(self, parameters: Mapping[str, Tensor]) -> "Reduced":
        """The same of the cost at these values of λ."""
        return replace(self, cost=bound(self.cost, parameters))


def require_copies(dist: Distribution, cost: Cost) -> None:
    """Raise Unsupported unless this is an objective of several draws."""
    if not isinstance(dist, Copies) or not hasattr(cost, "reduction"):
        raise Unsupported(
            f"{describe(dist)} with this cost is no objective of several draws; give the Problem a "
            "`reduction`, or pass Copies(dist, K) and Reduced(cost) from estimators.multi_sample; "
            "or use reinforce-loo."
        )
