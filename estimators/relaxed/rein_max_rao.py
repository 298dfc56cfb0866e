"""ReinMax with less noise: relaxed samples averaged, or as a control variate."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, averaged, evaluate, register
from estimators.gumbel_softmax import check_temperature


@dataclass(frozen=True)
class RelaxedReinMax(Estimator):
    """What both share: sampled points, and relaxed samples at the logits θ₁ halfway to them.

    θ₁ = logits whose softmax is π₁ = ½ (x + softmax(logits)), their derivative that of the logits.
    """

    temperature: float
    relaxations: int

    def __post_init__(self):
        check_temperature(self.temperature)
        if self.relaxations < 1:
            raise ValueError(f"relaxations must be at least 1, not {self.relaxations}.")

    def drawn(self, dist, samples):
        """Perturbed logits, the points x they become and θ₁ without derivative: [K, *B, *E]."""
        z = capabilities.perturbed_logits(dist, (samples,))
        x = capabilities.harden(dist, z)
        halfway = (x + capabilities.soften(dist, capabilities.logits(dist))) / 2
        return z.detach(), x, capabilities.logits_of(dist, halfway).detach()

    def relaxed(self, dist, z):
        """softmax(z / temperature) with the derivative of its logits: as `z`."""
        own = capabilities.logits(dist)
        return capabilities.soften(dist, (z + own - own.detach()) / self.temperature)

    def averaged(self, dist, x, near):
        """The mean relaxed sample at logits `near`, given that it hardens to x: [K, *B, *E]."""
        given = x.expand(self.relaxations, *x.shape)
        z = capabilities.conditional_logits(capabilities.at_logits(dist, near), given)
        return self.relaxed(dist, z.detach()).mean(0)


@register("rein-max-rao")
@dataclass(frozen=True)
class ReinMaxRao(RelaxedReinMax):
    """ReinMax whose step of second order is a mean of relaxed samples given the point.

    x ~ p,   ∂x/∂λ := 2 mean_i ∂softmax(z_i / temperature) − ½ ∂p,   z_i = θ₁ + (noise given x)
    θ₁ = logits of ½ (x + p), ∂θ₁ = ∂logits; z_i has its arg-max at x

    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: that of ReinMax, and that of the relaxation. K cost evaluations, whatever `relaxations`.
    Raises Unsupported for what cannot be relaxed; ValueError for temperature ≤ 0, relaxations < 1.
    Source: Wang & Bui 2026, arXiv:2603.08257 (ReinMax-Rao): read in its authors' code ("v3"), of
    the paper the abstract alone.
    """

    temperature: float = 0.5
    relaxations: int = 10

    def surrogate(self, dist, cost, samples=1):
        _, x, near = self.drawn(dist, samples)
        first = capabilities.soften(dist, capabilities.logits(dist))
        step = 2 * self.averaged(dist, x, near) - first / 2
        return averaged(evaluate(cost, x + (step - step.detach()), dist))


@register("rein-max-cv")
@dataclass(frozen=True)
class ReinMaxCv(RelaxedReinMax):
    """ReinMax less a relaxed sample at the point halfway, plus the mean of such samples given x.

    x ~ p,   ∂x/∂λ := 2 ∂π₁ − ½ ∂p + coefficient (mean_i ∂s(z_i) − ∂s(θ₁ + noise))
    s(z) = softmax(z / temperature), z_i = θ₁ + (noise given that it hardens to x), and `noise` is
    that which made x of the logits; ∂π₁ is softmax's derivative at θ₁, the logits of ½ (x + p)

    Given x, the z_i have another law than θ₁ + noise: the difference has not quite mean zero.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: that of ReinMax, and of this difference. K cost evaluations, whatever `relaxations`.
    Raises Unsupported for what cannot be relaxed; ValueError for temperature ≤ 0, relaxations < 1.
    Source: Wang & Bui 2026, arXiv:2603.08257 (ReinMax-CV): read in its authors' code, of the paper
    the abstract alone.
    """

    temperature: float = 1.0
    relaxations: int = 10
    coefficient: float = 0.5

    def surrogate(self, dist, cost, samples=1):
        z, x, near = self.drawn(dist, samples)
        logits = capabilities.logits(dist)
        noise = z - logits.detach()
        rein_max = 2 * capabilities.soften(dist, near + logits - logits.detach())
        control = self.averaged(dist, x, near) - self.relaxed(dist, near + noise)
        step = rein_max - capabilities.soften(dist, logits) / 2 + self.coefficient * control
        return averaged(evaluate(cost, x + (step - step.detach()), dist))
