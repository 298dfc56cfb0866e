"""DisARM, found at the same time as U2G: ARM with the uniform number integrated out."""

import torch

from estimators import capabilities
from estimators.core import register
from estimators.coupled.arm import antithetic_pairs
from estimators.one_evaluation import OneEvaluation


@register("disarm")
class Disarm(OneEvaluation):
    """DisARM (unbiased uniform gradient): ARM, averaged over the noise given its pair of samples.

    ĝ_φ = mean over pairs of ½ (f(b) − f(b̃)) (b − b̃) σ(|φ|)

    b = 1[u > σ(−φ)] and b̃ = 1[u < σ(φ)] share their uniform numbers; φ are the logits.
    Needs Bernoulli or Independent of it, and an even K; the cost may be any function.
    Unbiased: a conditional mean of ARM. K cost evaluations.
    Raises Unsupported for other distributions and for an odd K.
    Source: Dong, Mnih & Tucker 2020, arXiv:2006.10680; Yin, Ho, Yan, Qian & Zhou 2020 (U2G).
    """

    unbiased = True

    def steps(self, dist, samples):
        x, mirrored, _ = antithetic_pairs(dist, samples)  # [K/2, *B, *E]
        f = yield torch.cat((x, mirrored))  # [K, *B]
        first, second = f.detach().chunk(2)
        half = capabilities.spread(dist, first - second) / 2
        gradient = half * (x - mirrored) * capabilities.logits(dist).abs().sigmoid()
        yield f.mean(0) + capabilities.carry_logits(dist, gradient.mean(0))
