"""Bernoulli: logits plus logistic noise; its sample is whether the sum is positive."""

import torch
from torch.distributions import Bernoulli

from estimators.families import capabilities


@capabilities.logits.register(Bernoulli)
def _(dist):
    return dist.logits


@capabilities.perturbed_logits.register(Bernoulli)
def _(dist, shape):
    u = torch.rand(*shape, *dist.batch_shape, dtype=dist.logits.dtype, device=dist.logits.device)
    u = u.clamp(torch.finfo(u.dtype).tiny, 1 - torch.finfo(u.dtype).eps / 2)
    return dist.logits + u.log() - torch.log1p(-u)


@capabilities.soften.register(Bernoulli)
def _(dist, z):
    return z.sigmoid()


@capabilities.harden.register(Bernoulli)
def _(dist, z):
    return (z > 0).to(z.dtype)
