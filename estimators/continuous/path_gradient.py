"""Path gradients of flows: the density's slope carried along while the sample is made."""

import copy
from functools import singledispatch

import torch
from torch import Tensor
from torch.distributions import Transform, TransformedDistribution

from estimators.capabilities import describe, replaced, tensors
from estimators.core import Estimator, Unsupported, averaged, evaluate, register


@register("path-gradient")
class PathGradient(Estimator):
    """Pathwise gradient of a flow without the score, its density's slope made with the sample.

    ĝ = ∇_λ f(g(ε, λ)) with ∇_x log p(x) in the place of ∇_λ log p(x; λ) wherever f asks for log p,
    δ_0 = ∇log p_0(x_0),   δ_{l+1} = J_l⁻ᵀ (δ_l − ∇ log|det J_l|) for x_{l+1} = T_l(x_l)

    It is sticking-the-landing without the way back through all inverses: δ and log p come with the
    layers that make x. If the cost asks for `log_prob` at another point, that is computed there.
    Needs a TransformedDistribution of bijective layers with `rsample`, and a cost differentiable in
    x. Unbiased if f is continuous and linear in log p. K cost evaluations.
    Raises Unsupported for other distributions.
    Source: Vaitl, Winkler, Richter & Kessel 2024, arXiv:2403.15881, algorithm 1, read in
    their code.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        layered = isinstance(dist, TransformedDistribution) and dist.has_rsample
        if not layered or not all(layer.bijective for layer in dist.transforms):
            raise Unsupported(
                f"{describe(dist)} is not made by bijective layers from a reparameterised base, "
                "along which its slope could be carried; use sticking-the-landing or pathwise."
            )
        x, log_p, slope = carried(dist, samples)
        return averaged(evaluate(cost, x, known_at(dist, x, log_p, slope)))


def carried(dist, samples):
    """x [K, *B, *E], log p(x) [K, *B] and ∇_x log p(x), the last two without derivative."""
    x = dist.base_dist.rsample((samples,))
    start = x.detach().requires_grad_()
    fixed = without_derivative(dist)
    with torch.enable_grad():
        log_p = fixed.base_dist.log_prob(start)
        (slope,) = torch.autograd.grad(log_p.sum(), start)
    leading = 1 + len(dist.batch_shape)
    total = summed(log_p.detach(), leading)
    for layer in dist.transforms:
        x, log_det, slope = pushed(layer, x, slope)
        total = total - summed(log_det, leading)
    return x, total, slope


def summed(t, leading):
    """`t` [K, *B, …] summed over all but the `leading` axes: [K, *B]."""
    return t.reshape(*t.shape[:leading], -1).sum(-1)


def without_derivative(dist):
    """A twin of `dist` whose tensors are detached."""
    return replaced(dist, {path: t.detach() for path, t in tensors(dist).items()})


def known_at(dist, x, log_p, slope):
    """A twin of `dist` whose `log_prob` is known at x, with `slope` as its derivative in x."""
    twin, fixed = copy.copy(dist), without_derivative(dist)
    rise = slope * (x - x.detach())
    here = log_p + summed(rise, log_p.ndim)
    twin.log_prob = lambda value: here if value is x else fixed.log_prob(value)
    return twin


@singledispatch
def pushed(layer: Transform, x: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """y = T(x), log|det J|, and ∇_y log p(y) where `slope` is ∇_x log p(x).

    The last two have no derivative. For layers nothing is known about, y is inverted once.
    """
    y = layer(x)
    with torch.enable_grad():
        at = y.detach().requires_grad_()
        before = layer.inv(at)
        log_det = layer.log_abs_det_jacobian(before, at)
        rise = (slope * before).sum() - log_det.sum()
        (found,) = torch.autograd.grad(rise, at)
    return y, log_det.detach(), found
