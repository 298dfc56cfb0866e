"""Gumbel-softmax (binary and categorical concrete), soft and straight-through."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, averaged, evaluate, register


@register("gumbel-softmax", "quick")
@register("gumbel-softmax-hard", "quick", hard=True)
@dataclass(frozen=True)
class GumbelSoftmax(Estimator):
    """Pathwise gradient through a relaxed sample; if `hard`, the cost still sees a real sample.

    z = logits + noise (Gumbel, or logistic for Bernoulli),   x = softmax(z / temperature)
    hard: forward onehot(argmax z), backward the derivative of x

    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for what cannot be relaxed; ValueError for a temperature ≤ 0.
    Source: Jang, Gu & Poole 2017, arXiv:1611.01144; Maddison, Mnih & Teh 2017, arXiv:1611.00712.
    """

    temperature: float = 0.5
    hard: bool = False

    def __post_init__(self):
        check_temperature(self.temperature)

    def surrogate(self, dist, cost, samples=1):
        z = capabilities.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        x = capabilities.soften(dist, z / self.temperature)
        if self.hard:
            x = capabilities.harden(dist, z) + (
                x - x.detach()
            )  # the value is exactly the hard sample
        return averaged(evaluate(cost, x, dist))


def check_temperature(temperature: float) -> None:
    """Raise ValueError unless temperature > 0."""
    if not temperature > 0:
        raise ValueError(
            f"temperature must be positive, not {temperature}; values from 0.1 to 1 are usual, and "
            "straight-through is the estimator without a temperature."
        )
