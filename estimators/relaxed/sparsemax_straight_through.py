"""Straight-through with sparsemax in place of softmax."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.gumbel_softmax import check_temperature


@register("sparsemax-straight-through")
@dataclass(frozen=True)
class SparsemaxStraightThrough(Estimator):
    """Straight-through gradient whose derivative is that of sparsemax of the perturbed logits.

    z = logits + noise,   x = onehot(argmax z),   ∂x/∂λ := ∂sparsemax(z / temperature)/∂λ

    sparsemax is the projection onto the simplex; for Bernoulli, (z + 1)/2 kept within [0, 1].
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: the derivative is that of a relaxation, and often exactly zero. K cost evaluations.
    Raises Unsupported for distributions without logits; ValueError for a temperature ≤ 0.
    Source: Martins & Astudillo 2016, arXiv:1602.02068, for sparsemax; Jang, Gu & Poole 2017,
    arXiv:1611.01144, for the straight-through sample of perturbed logits it is put into.
    """

    temperature: float = 1.0

    def __post_init__(self):
        check_temperature(self.temperature)

    def surrogate(self, dist, cost, samples=1):
        z = capabilities.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        sparse = capabilities.sparsify(dist, z / self.temperature)
        x = capabilities.harden(dist, z) + sparse - sparse.detach()
        return evaluate(cost, x, dist).mean(0)
