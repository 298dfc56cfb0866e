"""Gumbel-Rao: straight-through Gumbel-softmax, averaged over the noise given its sample."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("gumbel-rao")
@register("gumbel-rao-total", total=True)
@dataclass(frozen=True)
class GumbelRao(Estimator):
    """Rao-Blackwellised straight-through Gumbel-softmax: many relaxations of each sample.

    x ~ p,   ∂x/∂λ := mean_i ∂softmax(z_i / temperature)/∂λ,   z_i = logits + (noise given x)

    The noise is a constant, so that the mean is that of gumbel-softmax-hard, which is averaged; if
    `total`, the derivative goes through the noise given x as well, as the paper's text has it.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased, as straight-through Gumbel-softmax is. K cost evaluations, whatever `relaxations`.
    Raises Unsupported for what cannot be relaxed; ValueError for temperature ≤ 0, relaxations < 1.
    Source: Paulus, Maddison & Krause 2021, arXiv:2010.04838.
    """

    temperature: float = 0.5
    relaxations: int = 10
    total: bool = False

    def __post_init__(self):
        check_temperature(self.temperature)
        if self.relaxations < 1:
            raise ValueError(f"relaxations must be at least 1, not {self.relaxations}.")

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.logits(dist)
        x = capabilities.harden(
            dist, capabilities.perturbed_logits(dist, (samples,))
        )  # [K, *B, *E]
        z = capabilities.conditional_logits(dist, x.expand(self.relaxations, *x.shape))
        z = capabilities.given_sample(dist, z) if self.total else z + logits - logits.detach()
        soft = capabilities.soften(dist, z / self.temperature).mean(0)
        return evaluate(cost, x + soft - soft.detach(), dist).mean(0)
