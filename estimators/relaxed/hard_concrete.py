"""Hard concrete: a relaxed Bernoulli, stretched, so that it can be exactly zero or one."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("hard-concrete")
@dataclass(frozen=True)
class HardConcrete(Estimator):
    """Pathwise gradient through a stretched and clipped binary concrete sample.

    s = σ((logit + logistic noise) / temperature),   x = min(1, max(0, low + (high − low) s))

    Needs Bernoulli or Independent of it, and a cost differentiable in x.
    Biased: the cost sees points between 0 and 1. K cost evaluations.
    Raises Unsupported for other distributions; ValueError unless low < 0 and high > 1.
    Source: Louizos, Welling & Kingma 2018, arXiv:1712.01312, whose β, γ, ζ are the defaults.
    """

    temperature: float = 2 / 3
    low: float = -0.1
    high: float = 1.1

    def __post_init__(self):
        check_temperature(self.temperature)
        if not (self.low < 0 and self.high > 1):
            raise ValueError(
                f"The stretch must reach beyond [0, 1], not from {self.low} to {self.high}; "
                "-0.1 and 1.1 are usual."
            )

    def surrogate(self, dist, cost, samples=1):
        capabilities.bernoulli_logits(dist)  # refuses what is not binary
        z = capabilities.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        stretched = self.low + (self.high - self.low) * (z / self.temperature).sigmoid()
        return evaluate(cost, stretched.clamp(0, 1), dist).mean(0)
