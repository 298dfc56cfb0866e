"""Pathwise gradients from randomised quasi-Monte-Carlo noise."""

import functools

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register

BITS = 30  # of torch's Sobol points


@register("rqmc-pathwise")
class RqmcPathwise(Estimator):
    """Pathwise gradient from K Sobol points, randomised by a digital shift for each replicate.

    u_k = (s_k XOR δ) + v_k,   x_k = F⁻¹(u_k; λ),   ĝ = (1/K) Σ_k ∇_λ f(x_k)

    s are the first K Sobol points in D = |E| dimensions, δ random bits shared by the K samples, v
    uniform below the last bit: every u_k is uniform, and together they stay a net.
    Needs a distribution that is a function of one uniform for each coordinate, differentiable in
    λ, and a cost differentiable in x; best with K a power of two.
    Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for other families, and for more than 21201 coordinates.
    Source: Owen 1995, and L'Ecuyer & Lemieux 2002, for the digital shift; Buchholz, Wenzel & Mandt
    2018, arXiv:1807.01604, for variational inference.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        capabilities.require_continuous(dist)
        x = capabilities.quantile(dist, shifted_points(dist, samples))  # [K, *B, *E]
        return evaluate(cost, x, dist).mean(0)


def shifted_points(dist, samples):
    """Sobol points, each batch element with a digital shift of its own: u [K, *B, *E]."""
    like = next(iter(capabilities.tensors(dist).values()))
    dimensions = dist.event_shape.numel()
    if dimensions > torch.quasirandom.SobolEngine.MAXDIM:
        raise Unsupported(
            f"The events of {capabilities.describe(dist)} have {dimensions} coordinates, more than "
            "the 21201 that Sobol points are known for; use antithetic-pathwise or pathwise."
        )
    points = _sobol(dimensions, samples).to(like.device)
    points = points.reshape(samples, *[1] * len(dist.batch_shape), *dist.event_shape)
    shape = dist.batch_shape + dist.event_shape
    bits = points ^ torch.randint(2**BITS, shape, device=like.device)  # [K, *B, *E]
    below = torch.rand(bits.shape, dtype=like.dtype, device=like.device)
    return capabilities.inside((bits + below) / 2**BITS)


@functools.cache
def _sobol(dimensions, samples):
    engine = torch.quasirandom.SobolEngine(dimensions, scramble=False)
    return (engine.draw(samples, dtype=torch.float64) * 2**BITS).long()
