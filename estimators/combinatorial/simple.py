"""SIMPLE: a sampled subset forward, its exact marginals backward."""

from estimators.capabilities import marginals
from estimators.core import Estimator, averaged, evaluate, register


@register("simple")
class Simple(Estimator):
    """Straight-through gradient of a subset or permutation by its exact marginals (SIMPLE).

    x ~ p(x; λ),   ∂x/∂λ := ∂μ(λ)/∂λ with μ = E[x] given the constraint

    Needs ConditionalBernoulli, for which the paper wrote it, or TopK or OneHotPlackettLuce, whose
    marginals are exact too; and a cost differentiable in x.
    Biased, except for costs linear in x. K cost evaluations.
    Raises Unsupported for other distributions.
    Source: Ahmed, Zeng, Niepert & Van den Broeck 2023, arXiv:2210.01941, section 3: the backward
    pass compared with its authors' code, which draws subsets by Gumbel top-k; here they have the
    law itself. The paper was not read here.
    """

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))  # [K, *B, *E]
        mean = marginals(dist)  # [*B, *E]
        return averaged(evaluate(cost, x + (mean - mean.detach()), dist))
