"""What a cost's terms belong to: factors, places of a ranking, or tokens of a sequence."""

from torch import Tensor
from torch.distributions import Distribution, Independent

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, describe


@by_type
def factor(dist: Distribution) -> Distribution:
    """One factor of `dist`, as `base_dist` has it; of a ranking one place, of tokens one."""
    base = getattr(dist, "base_dist", None)
    if base is None:
        raise Unsupported(
            f"{describe(dist)} has no factors for a cost's terms to belong to; wrap them in "
            "torch.distributions.Independent, or use reinforce-loo."
        )
    return base


@by_type
def factor_log_prob(dist: Distribution, x: Tensor) -> Tensor:
    """log p of each factor of `dist` at `x`, given those before it: [K, *B, *factors]."""
    if not isinstance(dist, Independent):
        factor(dist)  # which may refuse, with more to say
        raise Unsupported(
            f"{describe(dist)} has no log-probability for each term of a cost; wrap its factors in "
            "torch.distributions.Independent, or use reinforce-loo."
        )
    return dist.base_dist.log_prob(x)


@by_type
def depending(dist: Distribution, terms: Tensor) -> Tensor:
    """Of a cost's `terms` [K, *B, *factors], the sum of those that each factor of `dist` moves.

    Where factors are independent, each has its own term.
    """
    return terms
