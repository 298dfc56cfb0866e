"""Relaxed top-k: k softmaxes, one after the other, of the same perturbed logits."""

from dataclasses import dataclass

import torch

from estimators.capabilities import describe, harden, perturbed_logits
from estimators.core import Estimator, Unsupported, averaged, evaluate, register
from estimators.distributions import TopK
from estimators.gumbel_softmax import check_temperature
from estimators.special.softmax import softmax


@register("relaxed-top-k")
@register("relaxed-top-k-hard", hard=True)
@dataclass(frozen=True)
class RelaxedTopK(Estimator):
    """Pathwise gradient through a relaxed subset; if `hard`, the cost still sees a real one.

    x = Σ_j softmax(α_j / temperature),   α_1 = logits + Gumbel noise,
    α_{j+1} = α_j + log(1 − softmax(α_j / temperature)),   j = 1 … k
    hard: forward the k largest of α_1, backward the derivative of x

    Needs TopK, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for a temperature ≤ 0.
    Source: Xie & Ermon 2019, arXiv:1901.10517; Plötz & Roth 2018, arXiv:1810.12575.
    """

    temperature: float = 0.5
    hard: bool = False

    def __post_init__(self):
        check_temperature(self.temperature)

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, TopK):
            raise Unsupported(
                f"{describe(dist)} is not the k largest of perturbed logits; use TopK, or simple "
                "for ConditionalBernoulli."
            )
        z = perturbed_logits(dist, (samples,))  # [K, *B, n]
        x = successive_softmax(z, dist.k, self.temperature)
        if self.hard:
            x = harden(dist, z) + (x - x.detach())
        return averaged(evaluate(cost, x, dist))


def successive_softmax(z, k, temperature):
    """The relaxed k largest of z [..., n]: [..., n], its sum is k."""
    found = torch.zeros_like(z)
    for _ in range(k):
        p = softmax(z / temperature)
        found = found + p
        z = z + (1 - p).clamp_min(torch.finfo(p.dtype).eps).log()
    return found
