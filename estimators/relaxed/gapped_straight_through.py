"""Gapped straight-through: a deterministic perturbation instead of Gumbel noise."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("gapped-straight-through")
@dataclass(frozen=True)
class GappedStraightThrough(Estimator):
    """Straight-through gradient at logits moved until the sampled class leads by a gap.

    x ~ p,   ∂x/∂λ := ∂softmax(z / temperature)/∂λ,   z = logits + m(x), m without a derivative:
    the sampled logit is raised to the largest, the others lowered to `gap` below it at least

    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: the derivative is that of a relaxation. K cost evaluations.
    Raises Unsupported for distributions without logits; ValueError for temperature ≤ 0 or gap < 0.
    Source: Fan, Chi, Rudnicky & Ramadge 2022, arXiv:2206.07235, algorithm 1.
    """

    temperature: float = 0.5
    gap: float = 1.0

    def __post_init__(self):
        check_temperature(self.temperature)
        if not self.gap >= 0:
            raise ValueError(f"gap must not be negative, not {self.gap}; 1.0 is usual.")

    def surrogate(self, dist, cost, samples=1):
        x = capabilities.harden(
            dist, capabilities.perturbed_logits(dist, (samples,))
        )  # [K, *B, *E]
        z = capabilities.lead(dist, x, self.gap)
        soft = capabilities.soften(dist, z / self.temperature)
        return evaluate(cost, x + soft - soft.detach(), dist).mean(0)
