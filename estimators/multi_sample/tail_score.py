"""The score function of the CVaR: costs above the empirical quantile, less that quantile."""

import math

from estimators.core import Estimator, Unsupported, register
from estimators.multi_sample.reduced import require_copies
from estimators.reinforce import score_log_prob


@register("tail-score")
class TailScore(Estimator):
    """Likelihood-ratio gradient of the CVaR: the worst costs less the least of them (GCVaR).

    ĝ = 1/(share K) Σ_k max(f(x_k) − q̂, 0) ∇log p(x_k; λ) + ∇_λ L at fixed x

    q̂ is the ⌈share K⌉-th largest of the K costs, their empirical quantile.
    Needs Copies(p, K) with `log_prob`, and a cost `Reduced` by a `TailMean`; f may be any function.
    Biased: q̂ is made of the same costs. K cost evaluations.
    Raises Unsupported for other objectives.
    Source: Tamar, Glassner & Mannor 2015, arXiv:1404.3862: its abstract and introduction were read.
    """

    def surrogate(self, dist, cost, samples=1):
        require_copies(dist, cost)
        share = getattr(cost.reduction, "share", None)
        if share is None:
            raise Unsupported(
                "The objective is no mean over a share of the costs; use leave-one-out-credit, or "
                "give TailMean(share) as the reduction."
            )
        x = dist.sample((samples,))  # [S, *B, K, *E]
        f = cost.terms(x, dist)  # [S, *B, K]
        inside = math.ceil(share * dist.count - 1e-9)
        detached = f.detach()
        least = detached.topk(inside, -1).values[..., -1:]
        credit = (detached - least).clamp_min(0) / (share * dist.count)
        log_p = score_log_prob(dist.base_dist, dist.apart(x)).movedim(1, -1)  # [S, *B, K]
        return (cost.reduction(f) + (credit * (log_p - log_p.detach())).sum(-1)).mean(0)
