"""The score function over stratified samples."""

import torch

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.reinforce import score_log_prob


@register("stratified")
class Stratified(Estimator):
    """Score-function gradient over stratified samples (a Latin hypercube in many dimensions).

    ĝ = mean_k f(x_k) ∇log p(x_k; λ),   x_k = F⁻¹(u_k),   u_k = (π(k) + v_k) / K,   v_k uniform

    Each coordinate has one of its K uniform numbers in each of K equal strata, in an order π of its
    own. Needs `capabilities.quantile`; the cost may be any function.
    Unbiased: each x_k has the law p(x; λ). No leave-one-out: the samples know of each other.
    K cost evaluations; K = 1 is REINFORCE. Raises Unsupported without inverse cdfs or `log_prob`.
    Source: McKay, Beckman & Conover 1979, Technometrics 21(2).
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        v = capabilities.uniforms(dist, (samples,))  # [K, *B, *E]
        order = torch.rand_like(v).argsort(0)
        u = capabilities.inside((order + v) / samples)
        x = capabilities.quantile(dist, u).detach()
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        return (f + f.detach() * (log_p - log_p.detach())).mean(0)
