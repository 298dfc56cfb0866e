"""Local expectation gradients: each factor summed out, all others sampled."""

import torch
from torch.distributions import Independent

from estimators import capabilities
from estimators.core import Estimator, Unsupported, averaged, evaluate, register


@register("local-expectation")
class LocalExpectation(Estimator):
    """Score-function gradient with each factor's own values summed over exactly.

    ĝ = mean_k Σ_d Σ_v f(x_k with x_d = v) ∇p_d(v; λ)

    Needs Independent of factors with a finite support; the cost may be any function.
    Unbiased: a conditional mean of REINFORCE for each factor given all others.
    K (1 + S D) cost evaluations, for D factors of S values.
    Raises Unsupported for what has no factors, or whose factors cannot be enumerated.
    Source: Titsias & Lázaro-Gredilla 2015, Local expectation gradients for black box variational
    inference, NIPS 28, of which the abstract (arXiv:1503.01494) was read.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        values, p = factor_support(dist)  # [S, *E of a factor], [S, *B, D]
        x = dist.sample((samples,))  # [K, *B, *E]
        f = evaluate(cost, x, dist)  # [K, *B]
        with torch.no_grad():
            moved = exchanged(dist, x, values)  # [S, D, K, *B, *E]
            asked = evaluate(cost, moved.flatten(0, 2), dist)
            asked = asked.unflatten(0, moved.shape[:3]).mean(2).movedim(1, -1)  # [S, *B, D]
        return averaged(f) + (asked * (p - p.detach())).sum((0, -1))


def factor_support(dist):
    """The values of a factor and each factor's probabilities of them; or it refuses."""
    points = None
    if isinstance(dist, Independent):
        points = capabilities.support_table(dist.base_dist)
    if points is None:
        raise Unsupported(
            f"{capabilities.describe(dist)} has no factors with finite supports to sum over one by "
            "one; wrap Bernoullis or categoricals in torch.distributions.Independent, or use "
            "enumeration or reinforce-loo."
        )
    log_p = capabilities.support_log_prob(dist.base_dist)  # [S, *B, *factors]
    return points, log_p.exp().flatten(1 + len(dist.batch_shape))


def exchanged(dist, x, values):
    """x with each factor in turn set to each value: [S, D, K, *B, *E]."""
    inner = len(dist.base_dist.event_shape)
    outer = dist.event_shape[: len(dist.event_shape) - inner]  # axes of the factors
    turn = torch.eye(outer.numel(), dtype=torch.bool, device=x.device)
    turn = turn.reshape(len(turn), *[1] * (1 + len(dist.batch_shape)), *outer, *[1] * inner)
    new = values.reshape(len(values), *[1] * (x.ndim + 1 - inner), *values.shape[1:])
    return torch.where(turn, new.to(x.dtype), x)
