"""Central finite differences with common random numbers."""

from dataclasses import dataclass

import torch

from estimators.capabilities import carry, describe, shared, uniforms
from estimators.coordinates import at_once
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.perturbation.perturbed import parameters, perturbed, require_step

MOST_NUMBERS = 2**26  # of shifted parameters, held at once


@register("finite-differences")
@dataclass(frozen=True)
class FiniteDifferences(Estimator):
    """Central differences in each parameter, the samples on both sides made of the same uniforms.

    ĝ_i = (f(F⁻¹(u; λ + h e_i)) − f(F⁻¹(u; λ − h e_i))) / 2h

    h is `step`; λ ± h must be valid parameters. Needs a distribution that is a function of one
    uniform for each coordinate; the cost may be any function, also a discontinuous one.
    Biased by h²/6 ∂³E[f]/∂λ_i³ + O(h⁴); where f or x jumps, the variance grows as 1/h.
    K (1 + 2 P) cost evaluations, for P numbers in λ.
    Raises Unsupported for distributions without an inverse cdf (a user's own class needs only a
    sampler, which is replayed with the same random stream); ValueError for a step ≤ 0.
    Source: Glasserman & Yao 1992, Management Science 38(6); L'Ecuyer & Perron 1994.
    """

    step: float = 0.01

    def __post_init__(self):
        require_step(self.step)

    def surrogate(self, dist, cost, samples=1):
        u = uniforms(dist, (samples,))  # [K, *B, *E]
        x = shared(dist, u).detach()
        f = evaluate(cost, x, dist)
        gradients = {
            path: self._difference(dist, cost, u, path, tensor)
            for path, tensor in parameters(dist).items()
        }
        return f.mean(0) + carry(dist, gradients)

    @torch.no_grad()
    def _difference(self, dist, cost, u, path, tensor):
        """The estimate for every number of one tensor: [*B, *P]."""
        own = tensor.shape[len(dist.batch_shape) :]  # P
        if own.numel() * tensor.numel() > MOST_NUMBERS:
            raise Unsupported(
                f"{describe(dist)} has {own.numel()} numbers in {path!r}, and differences move "
                "each by itself; use spsa, which moves all at once."
            )
        each = torch.eye(own.numel(), dtype=tensor.dtype, device=tensor.device)
        each = each.reshape(-1, *[1] * len(dist.batch_shape), *own).expand(-1, *tensor.shape)

        def f(shift):
            shifted = perturbed(dist, {path: shift})  # batch [c, *B]
            x = shared(shifted, u.unsqueeze(1).expand(-1, len(shift), *u.shape[1:]))
            return evaluate(cost, x.flatten(0, 1), dist).unflatten(0, (len(u), len(shift)))

        slopes = [  # [c, *B] each, some at a time
            (f(self.step * part) - f(-self.step * part)).mean(0) / (2 * self.step)
            for part in each.split(at_once(u))
        ]
        slope = torch.cat(slopes)  # [C, *B]
        return slope.movedim(0, -1).reshape(tensor.shape)
