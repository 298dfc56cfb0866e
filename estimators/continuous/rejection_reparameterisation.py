"""Rejection-sampling variational inference: pathwise through the noise a sampler accepts."""

from dataclasses import dataclass

import torch

from estimators import capabilities
from estimators.continuous.gamma_reparameterisation import GammaReparameterisation
from estimators.core import register


@register("rejection-reparameterisation")
@dataclass(frozen=True)
class RejectionReparameterisation(GammaReparameterisation):
    """Rejection-sampling gradient (RSVI): pathwise through Marsaglia and Tsang's accepted noise.

    z = (a − ⅓)(1 + ε/√(9a − 3))³ Π_i u_i^{1/(α+i)},   a = α + augmentation,   i < augmentation
    ∇E[f] = E[∇f(h(ε, α))] + E[f ∇ log π(ε; α)],   π(ε; α) = Gamma(h; a) |∂h/∂ε|

    A larger augmentation brings the noise closer to normal, and the correction closer to zero.
    Needs a distribution made of gamma variables, and a cost differentiable in x.
    Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for augmentation < 1.
    Source: Naesseth, Ruiz, Linderman & Blei 2017, arXiv:1610.05683.
    """

    augmentation: int = 4

    def __post_init__(self):
        if self.augmentation < 1:
            raise ValueError(
                f"augmentation must be at least 1, so that α + augmentation > 1, not "
                f"{self.augmentation}."
            )

    def variable(self, alpha, samples):
        a = alpha + self.augmentation
        drawn = torch._standard_gamma(a.detach().expand(samples, *a.shape))
        noise = (drawn / (a.detach() - 1 / 3)) ** (1 / 3) - 1  # ε/√(9a − 3) at λ
        noise = noise * (a.detach() - 1 / 3).sqrt()  # ε/3, which stays
        v = 1 + noise / (a - 1 / 3).sqrt()
        z = (a - 1 / 3) * v**3
        log_pi = (a - 1) * z.log() - z - torch.lgamma(a) + (a - 1 / 3).log() / 2 + 2 * v.log()
        for i in range(self.augmentation):
            z = z * capabilities.inside(torch.rand_like(drawn)) ** (1 / (alpha + i))
        return z, log_pi
