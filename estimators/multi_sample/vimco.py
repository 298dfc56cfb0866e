"""VIMCO: the score function of each draw, with the other draws as its baseline."""

from dataclasses import dataclass

import torch

from estimators.core import Estimator, Unsupported, register
from estimators.multi_sample.reduced import require_copies
from estimators.reinforce import score_log_prob


@register("vimco")
@register("vimco-arithmetic", mean="arithmetic")
@dataclass(frozen=True)
class Vimco(Estimator):
    """Score-function gradient of a multi-sample objective, each draw's credit against the others.

    ĝ = Σ_k (L(f_1…f_K) − L(f_1…f̂_k…f_K)) ∇log p(x_k; λ) + ∇_λ L at fixed x

    L is the reduction over K draws. f̂_k stands in for f_k: the mean of the others, which is the
    "geometric" mean of the weights e^−f, or L of the others, for the IWAE bound their "arithmetic".
    Needs Copies(p, K ≥ 2) with `log_prob`, and a cost `Reduced`; f may be any function.
    Unbiased: the baseline of x_k does not look at it. K cost evaluations.
    Raises Unsupported for other objectives and for K = 1; ValueError for another mean.
    Source: Mnih & Rezende 2016, arXiv:1602.06725, section 2.5.
    """

    mean: str = "geometric"
    unbiased = True

    def __post_init__(self):
        if self.mean not in ("geometric", "arithmetic"):
            raise ValueError(f"mean must be 'geometric' or 'arithmetic', not {self.mean!r}.")

    def surrogate(self, dist, cost, samples=1):
        require_copies(dist, cost)
        x = dist.sample((samples,))  # [S, *B, K, *E]
        f = cost.terms(x, dist)  # [S, *B, K]
        value = cost.reduction(f)  # [S, *B]
        credit = value.detach().unsqueeze(-1) - self.without_own(f.detach(), cost.reduction)
        log_p = score_log_prob(dist.base_dist, dist.apart(x)).movedim(1, -1)  # [S, *B, K]
        return (value + (credit * (log_p - log_p.detach())).sum(-1)).mean(0)

    def without_own(self, f, reduction):
        """L with each draw's own cost replaced by what the others say of it: [S, *B, K]."""
        count = f.shape[-1]
        if count < 2:
            raise Unsupported(
                "VIMCO weighs each draw against the others; use two copies or more, or reinforce."
            )
        own = torch.eye(count, dtype=torch.bool, device=f.device)
        rows = f.unsqueeze(-2).expand(*f.shape, count)  # row k is for draw k
        others = rows[..., ~own].unflatten(-1, (count, count - 1))
        said = others.mean(-1) if self.mean == "geometric" else reduction(others)
        return reduction(torch.where(own, said.unsqueeze(-1), rows))
