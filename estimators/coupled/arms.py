"""ARMS: any number of mutually antithetic Bernoulli samples."""

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register


@register("arms")
class Arms(Estimator):
    """Antithetic REINFORCE with many samples: leave-one-out over samples that repel each other.

    ĝ_φ = 1/(K − 1) Σ_k (f(b_k) − f̄) (b_k − p) / (1 − ρ),   ρ = corr(b_j, b_k)

    A Dirichlet copula: d ~ Dirichlet(1_K), b_k is the rarer value where (1 − d_k)^{K−1} < m,
    m = min(p, 1 − p); two samples are both rare with probability max(2 m^{1/(K−1)} − 1, 0)^{K−1}.
    Needs Bernoulli or Independent of it, and K ≥ 2; at K = 2 it is DisARM. Any cost.
    Unbiased: ρ is known, and corrects the leave-one-out estimator. K cost evaluations.
    Raises Unsupported for other distributions and for K = 1.
    Source: Dimitriev & Zhou 2021, arXiv:2105.14141.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.bernoulli_logits(dist).detach()
        x, both = repelling(logits, samples)  # [K, *B, *E], [*B, *E]
        f = evaluate(cost, x, dist)  # [K, *B]
        p, rarer = logits.sigmoid(), (-logits.abs()).sigmoid()
        correction = logits.abs().sigmoid() * rarer / (rarer - both)  # 1 / (1 − ρ)
        advantage = capabilities.spread(dist, (f - f.mean(0)).detach())
        gradient = (advantage * (x - p)).sum(0) / (samples - 1) * correction
        return f.mean(0) + capabilities.carry_logits(dist, gradient)


def repelling(logits, samples):
    """b [K, *B, *E], and the probability that two of them are both the rarer value."""
    if samples < 2:
        raise Unsupported(
            "Antithetic samples need at least two; pass samples=2 or more, or use reinforce."
        )
    rarer = (-logits.abs()).sigmoid()
    u = torch.rand(samples, *logits.shape, dtype=logits.dtype, device=logits.device)
    exponential = -u.clamp_min(torch.finfo(u.dtype).tiny).log()
    d = exponential / exponential.sum(0)
    rare = (1 - d) ** (samples - 1) < rarer
    both = (2 * rarer ** (1 / (samples - 1)) - 1).clamp_min(0) ** (samples - 1)
    return torch.where(logits < 0, rare, ~rare).to(u), both
