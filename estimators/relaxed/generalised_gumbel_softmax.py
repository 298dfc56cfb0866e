"""Gumbel-softmax of counts: a relaxed choice among the points of a support that is cut off."""

from dataclasses import dataclass

import torch
from torch.distributions import Categorical, Independent

from estimators.capabilities import Unsupported, describe, is_discrete, support_table
from estimators.core import Estimator, averaged, evaluate, register
from estimators.gumbel_softmax import check_temperature

MOST_POINTS = 4096


@register("generalised-gumbel-softmax")
@register("generalised-gumbel-softmax-hard", hard=True)
@dataclass(frozen=True)
class GeneralisedGumbelSoftmax(Estimator):
    """Pathwise gradient of a mean of counts, weighted by Gumbel-softmax over all counts.

    x = Σ_n n w_n,   w = softmax((log π + Gumbel noise) / temperature) over n = 0 … N,
    π_n = p(n; λ), and π_N is the rest; `hard`: forward the count with the largest perturbed log π

    N stands `reach` standard deviations above the largest mean, or at the support's own end.
    Needs a univariate law of counts or Independent of it, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for other laws and for more than 4096 counts; ValueError for a temperature or
    a reach ≤ 0.
    Source: Joo, Kim, Shin & Moon 2020, arXiv:2003.01847: truncation, Gumbel-softmax and a linear
    transformation, of which the abstract and the beginning were read.
    """

    temperature: float = 0.5
    reach: float = 10.0
    hard: bool = False

    def __post_init__(self):
        check_temperature(self.temperature)
        if not self.reach > 0:
            raise ValueError(f"reach must be a positive number of deviations, not {self.reach}.")

    def surrogate(self, dist, cost, samples=1):
        points, log_p = counts(dist, self.reach)  # [N + 1], [N + 1, *B, *E]
        shape = (samples, *log_p.shape)
        u = torch.rand(shape, dtype=log_p.dtype, device=log_p.device)
        noise = -(-u.clamp_min(torch.finfo(u.dtype).tiny).log()).log()
        z = (log_p + noise).movedim(1, -1)  # [K, *B, *E, N + 1]
        x = (z / self.temperature).softmax(-1) @ points
        if self.hard:
            x = points[z.argmax(-1)] + (x - x.detach())
        return averaged(evaluate(cost, x, dist))


def counts(dist, reach):
    """The counts up to a cut [N + 1], and their log-probability with the rest at the cut."""
    base = dist.base_dist if isinstance(dist, Independent) else dist
    if not is_discrete(base) or base.event_shape or isinstance(base, Categorical):
        raise Unsupported(
            f"{describe(dist)} is no law of counts, such as Poisson, whose points can be weighted "
            "and summed; use gumbel-softmax for one-hot points, or reinforce-loo."
        )
    points = support_table(base)
    cut = points is None
    points = counts_up_to(base, reach) if cut else points
    log_p = base.log_prob(points.reshape(-1, *[1] * len(base.batch_shape)))
    if cut:
        rest = (1 - log_p[:-1].exp().sum(0)).clamp_min(torch.finfo(log_p.dtype).eps)
        log_p = torch.cat((log_p[:-1], rest.log().unsqueeze(0)))
    return points.to(log_p), log_p


def counts_up_to(base, reach):
    """0 … N, where N is `reach` deviations above the largest mean: [N + 1]."""
    top = int((base.mean + reach * base.variance.sqrt()).max().detach().ceil()) + 1
    if top >= MOST_POINTS:
        raise Unsupported(
            f"{describe(base)} reaches up to {top} counts here, more than {MOST_POINTS} to weigh; "
            "pass a smaller reach, or use reinforce-loo."
        )
    return torch.arange(top + 1).to(base.mean)
