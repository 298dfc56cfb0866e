"""The estimator of this repository."""

import torch
from torch.distributions import Normal

from estimators import Estimator, Unsupported, evaluate, register


@register("mirrored-reinforce")
class MirroredReinforce(Estimator):
    """Score-function gradient over pairs of a Normal that are mirror images.

    ĝ = mean over pairs m, and x in pair m, of (f(x) − b_m) ∇log p(x; λ), with x and 2 loc − x in a
    pair and b_m the mean cost of the other pairs

    Needs a Normal and an even number of samples. Unbiased: each x has the right law, and b_m does
    not look at pair m. K cost evaluations. Raises Unsupported for anything else.
    Source: Hammersley & Morton 1956, Proc. Cambridge Phil. Soc. 52(3).
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, Normal) or samples % 2:
            raise Unsupported("Mirrored samples need a Normal and an even K; use reinforce-loo.")
        pairs = samples // 2
        x = dist.sample((pairs,))  # [K/2, R, *B]
        x = torch.stack([x, 2 * dist.loc.detach() - x])  # [2, K/2, R, *B]
        f = evaluate(cost, x.flatten(0, 1), dist).unflatten(0, (2, pairs))
        others = f.detach().mean(0)  # the mean cost of each pair
        baseline = (others.sum(0) - others) / max(pairs - 1, 1)
        log_p = dist.log_prob(x)
        score = log_p - log_p.detach()
        return (f + (f.detach() - baseline) * score).mean((0, 1))
