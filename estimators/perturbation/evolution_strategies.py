"""Evolution strategies: the gradient of an objective smoothed over Gaussian neighbours of λ."""

import torch

from estimators.core import register
from estimators.perturbation.spsa import Spsa


@register("evolution-strategies")
class EvolutionStrategies(Spsa):
    """Gaussian smoothing of λ, by mirrored perturbations with common random numbers.

    ĝ = Δ (f(F⁻¹(u; λ + hΔ)) − f(F⁻¹(u; λ − hΔ))) / 2h,   Δ ~ N(0, I), fresh for each sample

    h is `step`, the standard deviation of the smoothing: ĝ is unbiased for ∇_λ E_Δ E[f] at λ + hΔ,
    which differs from ∇_λ E[f] by h²/2 ∇(tr ∇²E[f]) + O(h⁴): biased. Needs what `spsa` needs, and
    parameters that stay valid some standard deviations away.
    2 K cost evaluations.
    Raises Unsupported for distributions without an inverse cdf; ValueError for a step ≤ 0.
    Source: Nesterov & Spokoiny 2017, Foundations of Computational Mathematics 17; Salimans et al.
    2017, arXiv:1703.03864, for the mirrored pairs.
    """

    def directions(self, tensor, samples):
        return torch.randn(samples, *tensor.shape, dtype=tensor.dtype, device=tensor.device)
