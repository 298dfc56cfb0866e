"""The score function with the cost of the most probable point as baseline."""

import torch

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.reinforce import score_log_prob


@register("self-critical")
class SelfCritical(Estimator):
    """Score-function gradient with the cost of the mode as baseline.

    ĝ = mean_k (f(x_k) − f(mode)) ∇log p(x_k; λ)

    Needs `log_prob` and a mode (where the cost of the mode is not finite, the baseline is zero);
    the cost may be any function.
    Unbiased: the mode does not look at the samples. K + 1 cost evaluations.
    Raises Unsupported without `log_prob` or mode, and where the support moves.
    Source: Rennie, Marcheret, Mroueh, Ross & Goel 2017, arXiv:1612.00563.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        with torch.no_grad():
            baseline = evaluate(cost, capabilities.mode(dist).unsqueeze(0), dist)  # [1, *B]
        baseline = torch.where(baseline.isfinite(), baseline, 0.0)
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        return (f + (f.detach() - baseline) * (log_p - log_p.detach())).mean(0)
