"""Exact marginals of points of zeros and ones, and the noise that makes such points."""

from torch import Tensor
from torch.distributions import Distribution, Independent

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, describe


@by_type
def marginals(dist: Distribution) -> Tensor:
    """P(x = 1) of each coordinate, differentiable in the logits: [*batch, *event]."""
    raise Unsupported(
        f"{describe(dist)} is no law of subsets or permutations whose marginals are known here: "
        "ConditionalBernoulli, TopK and OneHotPlackettLuce are; use straight-through for "
        "Bernoulli and OneHotCategorical, or reinforce-loo."
    )


@marginals.register
def _(dist: Independent) -> Tensor:
    return marginals(dist.base_dist)


@by_type
def gumbel_logits(dist: Distribution) -> Tensor:
    """The logits whose sum with Gumbel noise becomes a sample by `harden`: [*batch, n]."""
    raise Unsupported(
        f"{describe(dist)} is not made of Gumbel-perturbed logits here: OneHotCategorical, TopK, "
        "PlackettLuce, OneHotPlackettLuce and PerturbedOracle are; use reinforce-loo."
    )


@gumbel_logits.register
def _(dist: Independent) -> Tensor:
    return gumbel_logits(dist.base_dist)
