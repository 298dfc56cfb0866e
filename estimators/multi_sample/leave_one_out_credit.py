"""Each draw's credit: the objective of all draws less that of the others."""

import torch

from estimators.core import Estimator, Unsupported, register
from estimators.multi_sample.reduced import require_copies
from estimators.reinforce import score_log_prob


@register("leave-one-out-credit")
class LeaveOneOutCredit(Estimator):
    """Score-function gradient of a multi-sample objective, less the objective of the other draws.

    ĝ = Σ_k (L(f_1 … f_K) − L(f without f_k)) ∇log p(x_k; λ) + ∇_λ L at fixed x

    L is a reduction of any number of costs. For the best of k it is the leave-one-out gradient of
    pass@k and max@k, a mean over all sets of k draws that hold x_k.
    Needs Copies(p, K ≥ 2) with `log_prob`, and a cost `Reduced`; f may be any function.
    Unbiased: the baseline of x_k does not look at it. K cost evaluations.
    Raises Unsupported for other objectives, for K = 1, and where L needs all K draws.
    Source: Walder & Karkhanis 2025, arXiv:2505.15201 (PKPO, s_loo): its abstract and a review were
    read.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        require_copies(dist, cost)
        count = dist.count
        if count < 2:
            raise Unsupported(
                "Each draw's credit is against the others; use two copies or more, or reinforce."
            )
        x = dist.sample((samples,))  # [S, *B, K, *E]
        f = cost.terms(x, dist)  # [S, *B, K]
        value = cost.reduction(f)  # [S, *B]
        own = torch.eye(count, dtype=torch.bool, device=f.device)
        others = f.detach().unsqueeze(-2).expand(*f.shape, count)[..., ~own]
        credit = value.detach().unsqueeze(-1) - cost.reduction(
            others.unflatten(-1, (count, count - 1))
        )
        log_p = score_log_prob(dist.base_dist, dist.apart(x)).movedim(1, -1)  # [S, *B, K]
        return (value + (credit * (log_p - log_p.detach())).sum(-1)).mean(0)
