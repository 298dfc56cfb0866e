"""Reparameterisations of gamma variables that leave a score correction: RSVI and G-REP."""

from abc import abstractmethod
from dataclasses import dataclass

import torch

from estimators import families
from estimators.core import Estimator, evaluate, register


@dataclass(frozen=True)
class GammaReparameterisation(Estimator):
    """Pathwise gradient through noise whose own density still depends on λ, with its score.

    z = h(ε, α), ε ~ π(ε; α):   ∇_α E[f(z)] = E[∇_α f(h(ε, α))] + E[f(z) ∇_α log π(ε; α)]

    Subclasses say how a standard gamma variable z is h(ε, α), and what log π(ε; α) is.
    """

    unbiased = True

    @abstractmethod
    def variable(self, alpha, samples):
        """Standard gamma z and log π(ε; α), differentiable in α at fixed ε: [K, *α] each."""

    def surrogate(self, dist, cost, samples=1):
        log_noise = 0.0  # log π [K, *B], up to constants

        def gamma(alpha):
            nonlocal log_noise
            z, log_pi = self.variable(alpha, samples)
            log_noise = log_noise + log_pi.reshape(samples, *dist.batch_shape, -1).sum(-1)
            return z

        x = families.from_gammas(dist, gamma)  # [K, *B, *E]
        f = evaluate(cost, x, dist)
        return (f + f.detach() * (log_noise - log_noise.detach())).mean(0)


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
            z = z * families.inside(torch.rand_like(drawn)) ** (1 / (alpha + i))
        return z, log_pi


@register("generalised-reparameterisation")
@dataclass(frozen=True)
class GeneralisedReparameterisation(GammaReparameterisation):
    """Generalised reparameterisation (G-REP): pathwise through the standardised logarithm.

    z = exp(ψ(α) + ε √ψ′(α)),   ∇E[f] = E[∇f(h(ε, α))] + E[f ∇ log π(ε; α)]
    log π(ε; α) = α log z − z − log Γ(α) + ½ log ψ′(α)

    Needs a distribution made of gamma variables, and a cost differentiable in x.
    Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for other distributions.
    Source: Ruiz, Titsias & Blei 2016, arXiv:1610.02287.
    """

    def variable(self, alpha, samples):
        centre, spread = torch.digamma(alpha), torch.polygamma(1, alpha).sqrt()
        drawn = torch._standard_gamma(alpha.detach().expand(samples, *alpha.shape))
        noise = (drawn.log() - centre.detach()) / spread.detach()  # ε
        log_z = centre + noise * spread
        z = log_z.exp()
        return z, alpha * log_z - z - torch.lgamma(alpha) + spread.log()
