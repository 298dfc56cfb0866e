"""Binomial and negative binomial: quantiles, the weak derivative in probs, and jumps."""

import torch
from torch.distributions import Binomial, NegativeBinomial

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.quantile.register(Binomial)
def _(dist, u):
    points = torch.arange(int(dist.total_count.max()), dtype=u.dtype, device=u.device)
    points = points.reshape(-1, *[1] * len(dist.batch_shape))  # [N, 1..]
    count, p = dist.total_count, dist.probs.detach()
    log_choose = torch.lgamma(count + 1) - torch.lgamma(points + 1)
    log_choose = log_choose - torch.lgamma((count - points).clamp_min(0) + 1)
    mass = (log_choose + torch.xlogy(points, p) + torch.xlogy(count - points, 1 - p)).exp()
    below = torch.where(points < count, mass, torch.full_like(mass, 2.0)).cumsum(0)  # [N, *B]
    return sum((u > step).to(u.dtype) for step in below)


@capabilities.weak_derivatives.register(Binomial)
def _(dist, shape):
    """∂E[f]/∂p = n E[f(Y + 1) − f(Y)] with one trial fewer in Y."""
    count, p = dist.total_count, dist.probs.detach()
    x = Binomial((count - 1).clamp_min(0), p, validate_args=False).sample(shape)
    return {"probs": Coupled(count, x + 1, x)}


@capabilities.jumps.register(Binomial)
def _(dist, x):
    """One more success, at the rate (n − x) / (1 − p): Arya et al. 2022, table 1."""
    left = dist.total_count - x
    return {"probs": Coupled(left / (1 - dist.probs.detach()), x + left.clamp_max(1), x)}


@capabilities.jumps.register(NegativeBinomial)
def _(dist, x):
    """One more success, at the rate (r + x) / (1 − p)."""
    return {"probs": Coupled((dist.total_count + x) / (1 - dist.probs.detach()), x + 1, x)}
