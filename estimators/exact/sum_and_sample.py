"""Sum and sample: the likeliest points exactly, one of the others by chance."""

import torch

from estimators import capabilities
from estimators.core import Estimator, evaluate, register
from estimators.exact.enumeration import support


@register("sum-and-sample")
class SumAndSample(Estimator):
    """Rao-Blackwellised score function: sums over the K − 1 likeliest points, samples one more.

    ĝ = Σ_{x ∈ C} f(x) ∇p(x) + (1 − p(C)) f(x') ∇log p(x'),   x' ~ p given x' ∉ C

    C holds the K − 1 points with the largest p(x; λ); K = 1 is REINFORCE.
    Needs a finite support of at most 2^16 points; the cost may be any function.
    Unbiased: a conditional mean of REINFORCE; exact at K = the size of the support.
    min(K, size) cost evaluations. Raises Unsupported where the support cannot be enumerated.
    Source: Liu, Regier, Tripuraneni, Jordan & McAuliffe 2019, arXiv:1810.04777.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = summed_and_sampled(dist, samples)  # [K, *B, *E]
        f, log_p = evaluate(cost, x, dist), dist.log_prob(x)  # [K, *B]
        sum_ = (log_p.exp() * f)[:-1].sum(0)
        rest = 1 - log_p.detach().exp()[:-1].sum(0)
        score = log_p[-1] - log_p[-1].detach()
        return sum_ + rest * (f[-1] + f[-1].detach() * score)


@torch.no_grad()
def summed_and_sampled(dist, samples):
    """The likeliest K − 1 points, then one drawn from all others: [K, *B, *E]."""
    log_p = support(dist)[1].movedim(0, -1)  # [*B, N]
    count = min(samples, log_p.shape[-1])
    likeliest = log_p.topk(count - 1, -1).indices  # [*B, K − 1]
    race = log_p + gumbel(log_p)
    sampled = race.scatter(-1, likeliest, -torch.inf).argmax(-1, keepdim=True)
    chosen = torch.cat((likeliest, sampled), -1).movedim(-1, 0)  # [K, *B]
    return capabilities.support_table(dist)[chosen]


def gumbel(like):
    """Standard Gumbel noise of the shape of `like`."""
    u = torch.rand_like(like).clamp_min(torch.finfo(like.dtype).tiny)
    return -(-u.log()).log()
