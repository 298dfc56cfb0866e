"""I-MLE: the sample against the sample of logits that the cost's slope has moved."""

from dataclasses import dataclass

import torch

from estimators.capabilities import describe, harden, over_event, perturbed_logits
from estimators.core import Estimator, Unsupported, evaluate, register


@register("i-mle")
@dataclass(frozen=True)
class ImplicitMle(Estimator):
    """Implicit maximum likelihood (I-MLE): sample again with the logits moved down the cost.

    z = logits + noise,   x = argmax ⟨z, x⟩,   ĝ = x(z) − x(z − strength ∇f(x)),   the same noise

    The solver may be any: of TopK the k largest, of PerturbedOracle a user's own. ĝ is not divided
    by `strength`, as in the paper, so that its length says nothing.
    Needs TopK, PerturbedOracle, Bernoulli, OneHotCategorical or Independent of them, and a cost
    differentiable in x; the paper's sum-of-gammas noise is not here.
    Biased: a difference over a step that is not small. K cost evaluations, 2 K of the solver.
    Raises Unsupported for other distributions; ValueError for a strength ≤ 0.
    Source: Niepert, Minervini & Franceschi 2021, arXiv:2106.01798, algorithm 1, compared
    with an early version of its authors' code, whose sign is the other one; here it descends.
    """

    strength: float = 1.0

    def __post_init__(self):
        check_strength(self.strength)

    def surrogate(self, dist, cost, samples=1):
        z = perturbed_logits(dist, (samples,))  # [K, *B, *E]
        x = solved(dist, z)
        f, slope = slope_at(cost, x, dist)  # [K, *B], [K, *B, *E]
        g = self.difference(dist, z.detach(), x, slope)
        return (f + over_event(dist, g * (z - z.detach()))).mean(0)

    def difference(self, dist, z, x, slope):
        """The estimate of each sample, in its perturbed logits: [K, *B, *E]."""
        return x - harden(dist, z - self.strength * slope)


def solved(dist, z):
    """The point of perturbed logits z, of the same shape; it refuses what has another shape."""
    x = harden(dist, z.detach())
    if x.shape != z.shape or not x.is_floating_point():
        raise Unsupported(
            f"{describe(dist)} has no logit for each coordinate of its samples, which the cost's "
            "slope could move; use simple or neural-sort for OneHotPlackettLuce, or reinforce-loo."
        )
    return x


def slope_at(cost, x, dist):
    """f(x) [K, *B] without its derivative in x, which comes beside it: [K, *B, *E]."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        f = evaluate(cost, at, dist)
        (slope,) = torch.autograd.grad(f.sum(), at, retain_graph=True)
    return f, slope


def check_strength(strength: float) -> None:
    """Raise ValueError unless strength > 0."""
    if not strength > 0:
        raise ValueError(
            f"strength must be positive, not {strength}; it multiplies the cost's slope, and 1 to "
            "10 are usual."
        )
