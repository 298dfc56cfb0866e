"""Generalised reparameterisation: pathwise through the standardised logarithm."""

import torch

from estimators.continuous.gamma_reparameterisation import GammaReparameterisation
from estimators.core import register


@register("generalised-reparameterisation")
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
