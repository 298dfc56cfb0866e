"""DiVeQ: quantisation as adding an error of the right length in a direction held constant."""

from dataclasses import dataclass

import torch

from estimators import capabilities
from estimators.core import Estimator, averaged, evaluate, register


@register("diveq")
@dataclass(frozen=True)
class Diveq(Estimator):
    """Pathwise gradient of a vector that an error of the code's distance is added to (DiVeQ).

    z = e + ‖q − e‖ d,   d = (q − e + ε)/‖q − e + ε‖ held constant,   ε ~ N(0, deviation²)

    q is the code nearest to e; z lies `deviation` about it. ∂z/∂e = I − d (q − e)ᵀ/‖q − e‖: what
    moves e towards its code is left out.
    Needs Codebook or Independent of it, whose codes span their space, and a cost differentiable in
    x. Biased: it does not even estimate the value of E[f]. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for a negative deviation.
    Source: Vali, Bäckström & Solin 2025, arXiv:2509.26469: its abstract, a review that gives the
    formula, and code of its authors were read.
    """

    deviation: float = 0.001

    def __post_init__(self):
        if not self.deviation >= 0:
            raise ValueError(f"deviation must not be negative, but is {self.deviation}.")

    def surrogate(self, dist, cost, samples=1):
        vector, nearest, to_samples = capabilities.code_space(dist)  # [*B, …, D]
        gap = nearest - vector
        noise = torch.randn(samples, *gap.shape, dtype=gap.dtype, device=gap.device)
        aim = (gap + self.deviation * noise).detach()
        direction = aim / aim.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        z = vector + gap.norm(dim=-1, keepdim=True) * direction  # [K, *B, …, D]
        x = capabilities.mode(dist) + to_samples(z - nearest)  # whose code is z
        return averaged(evaluate(cost, x, dist))
