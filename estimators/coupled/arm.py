"""ARM: one uniform number makes an antithetic pair of Bernoulli samples."""

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register


@register("arm")
class Arm(Estimator):
    """Augment-REINFORCE-merge: the cost's difference over an antithetic pair, times the noise.

    ĝ_φ = mean over pairs of (f(b) − f(b̃)) (u − ½),   b = 1[u > σ(−φ)],   b̃ = 1[u < σ(φ)]

    Each of the K/2 pairs shares its uniform numbers u; φ are the logits.
    Needs Bernoulli or Independent of it, and an even K; the cost may be any function.
    Unbiased: b and b̃ have the law p(x; λ). K cost evaluations.
    Raises Unsupported for other distributions and for an odd K.
    Source: Yin & Zhou 2019, arXiv:1807.11143.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x, mirrored, u = antithetic_pairs(dist, samples)  # [K/2, *B, *E]
        f = evaluate(cost, torch.cat((x, mirrored)), dist)  # [K, *B]
        first, second = f.detach().chunk(2)
        gradient = capabilities.spread(dist, first - second) * (u - 0.5)
        return f.mean(0) + capabilities.carry_logits(dist, gradient.mean(0))


def antithetic_pairs(dist, samples):
    """b, b̃ and the uniform numbers that both are made of: [K/2, *B, *E] each."""
    logits = capabilities.bernoulli_logits(dist).detach()
    if samples % 2:
        raise Unsupported(
            f"Antithetic samples come in pairs, not {samples} at a time; pass an even number of "
            "samples, or use arms for an odd number of three or more."
        )
    u = torch.rand(samples // 2, *logits.shape, dtype=logits.dtype, device=logits.device)
    return (u > (-logits).sigmoid()).to(u), (u < logits.sigmoid()).to(u), u
