"""The score function with the exact mean of the cost as baseline."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Estimator, evaluate, register
from estimators.exact.enumeration import costs_of_support, support
from estimators.reinforce import score_log_prob


@register("reinforce-exact-mean")
@dataclass(frozen=True)
class ExactMean(Estimator):
    """Score-function gradient with the exact mean cost as baseline: what learned ones aim at.

    ĝ = mean_k (f(x_k) − E[f]) ∇log p(x_k; λ)

    E[f] is `mean(dist)` [*B] if that is given, else a sum over the support. Needs `log_prob`, and
    without `mean` a finite support of at most 2^16 points; the cost may be any function.
    Unbiased: E[f] does not look at the samples. K cost evaluations, and one for each point summed.
    Raises Unsupported where the support cannot be enumerated.
    Source: Titsias & Shi 2022, arXiv:2111.05300 (R*, their unattainable reference).
    """

    mean: Callable[[Distribution], Tensor] | None = None
    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        with torch.no_grad():
            baseline = self.mean(dist) if self.mean else _mean(cost, dist)  # [*B]
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        return (f + (f.detach() - baseline) * (log_p - log_p.detach())).mean(0)


def _mean(cost, dist):
    points, log_p = support(dist)
    return (log_p.exp() * costs_of_support(cost, points, dist)).sum(0)
