"""Simultaneous perturbation: two evaluations, however many parameters."""

from dataclasses import dataclass

import torch

from estimators.capabilities import carry, describe, shared, uniforms
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.perturbation.perturbed import parameters, perturbed, require_step


@register("spsa")
@dataclass(frozen=True)
class Spsa(Estimator):
    """Simultaneous perturbation: all of λ moves at once, by ±h with random signs Δ.

    ĝ = Δ (f(F⁻¹(u; λ + hΔ)) − f(F⁻¹(u; λ − hΔ))) / 2h,   Δ_i = ±1, fresh for each sample

    h is `step`; λ ± h must be valid parameters. The uniforms u are common to both sides. Needs a
    distribution that is a function of one uniform for each coordinate; the cost may be any.
    Biased by O(h²), from third derivatives of E[f] in λ; the other parameters' slopes are noise.
    2 K cost evaluations.
    Raises Unsupported for distributions without an inverse cdf (a user's own class needs only a
    sampler, which is replayed with the same random stream); ValueError for a step ≤ 0.
    Source: Spall 1992, IEEE Transactions on Automatic Control 37(3); Kleinman, Spall & Naiman
    1999, Management Science 45(11), for the common random numbers.
    """

    step: float = 0.01

    def __post_init__(self):
        require_step(self.step)

    def directions(self, tensor, samples):
        """Random directions with covariance I: [K, *B, *P]."""
        signs = torch.randint(2, (samples, *tensor.shape), device=tensor.device)
        return (2 * signs - 1).to(tensor)

    def surrogate(self, dist, cost, samples=1):
        u = uniforms(dist, (samples,))  # [K, *B, *E]
        moves = {path: self.directions(t, samples) for path, t in parameters(dist).items()}
        if not moves:
            raise Unsupported(f"{describe(dist)} has no tensor that requires a gradient.")

        def f(sign):
            shifts = {path: sign * self.step * move for path, move in moves.items()}
            return evaluate(cost, shared(perturbed(dist, shifts), u).detach(), dist)  # [K, *B]

        above, below = f(1), f(-1)
        slope = ((above - below) / (2 * self.step)).detach()
        gradients = {
            path: (slope.reshape(*slope.shape, *[1] * (move.ndim - slope.ndim)) * move).mean(0)
            for path, move in moves.items()
        }
        return (above + below).mean(0) / 2 + carry(dist, gradients)
