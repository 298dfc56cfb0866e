"""ReinMax: straight-through of the second order."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("rein-max")
@dataclass(frozen=True)
class ReinMax(Estimator):
    """Straight-through gradient of second order (Heun's method instead of Euler's).

    x ~ p,   ∂x/∂λ := 2 ∂π₁/∂λ − ½ ∂p/∂λ,   π₁ = ½ (x + softmax(logits / temperature))

    ∂π₁ is the derivative of softmax at the logits whose softmax is π₁, in the direction of ∂logits.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased, except at temperature 1 for costs quadratic in each factor given all others.
    K cost evaluations.
    Raises Unsupported for distributions without logits; ValueError for a temperature ≤ 0.
    Source: Liu, Dong, Liu, Yu & Gao 2023, arXiv:2304.08612, algorithm 2.
    """

    temperature: float = 1.0

    def __post_init__(self):
        check_temperature(self.temperature)

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.logits(dist)
        x = capabilities.harden(
            dist, capabilities.perturbed_logits(dist, (samples,))
        )  # [K, *B, *E]
        halfway = (x + capabilities.soften(dist, logits / self.temperature)) / 2
        z = capabilities.logits_of(dist, halfway).detach() + logits - logits.detach()
        step = 2 * capabilities.soften(dist, z) - capabilities.soften(dist, logits) / 2
        return evaluate(cost, x + step - step.detach(), dist).mean(0)
