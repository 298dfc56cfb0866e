"""Decoupled straight-through: a temperature for the derivative alone."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("decoupled-straight-through")
@dataclass(frozen=True)
class DecoupledStraightThrough(Estimator):
    """Straight-through gradient with one temperature for sampling and another for the derivative.

    x ~ softmax(logits / forward_temperature),   ∂x/∂λ := ∂softmax(logits / temperature)/∂λ

    Both at 1 is straight-through; forward_temperature other than 1 samples another distribution.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: the derivative is that of a relaxation. K cost evaluations.
    Raises Unsupported for distributions without logits; ValueError for a temperature ≤ 0.
    Source: Shah, Yan, Mozer & Liu 2024, arXiv:2410.13331 (version 2).
    """

    temperature: float = 0.5
    forward_temperature: float = 1.0

    def __post_init__(self):
        check_temperature(self.temperature)
        check_temperature(self.forward_temperature)

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.logits(dist)
        noise = capabilities.perturbed_logits(dist, (samples,)) - logits  # [K, *B, *E]
        x = capabilities.harden(dist, logits / self.forward_temperature + noise)
        soft = capabilities.soften(dist, logits / self.temperature)
        return evaluate(cost, x + soft - soft.detach(), dist).mean(0)
