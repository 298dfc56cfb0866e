"""Bernoulli: logits plus logistic noise, a step of a uniform, and jumps from zero to one."""

import torch
from torch.distributions import Bernoulli
from torch.nn.functional import softplus

from estimators import capabilities
from estimators.capabilities import Coupled


@capabilities.logits.register(Bernoulli)
def _(dist):
    return dist.logits


@capabilities.perturbed_logits.register(Bernoulli)
def _(dist, shape):
    return dist.logits + _logistic((*shape, *dist.batch_shape), dist.logits)


@capabilities.soften.register(Bernoulli)
def _(dist, z):
    return z.sigmoid()


@capabilities.harden.register(Bernoulli)
def _(dist, z):
    return (z > 0).to(z.dtype)


@capabilities.bernoulli_logits.register(Bernoulli)
def _(dist):
    return dist.logits


@capabilities.at_logits.register(Bernoulli)
def _(dist, z):
    return Bernoulli(logits=z, validate_args=False)


@capabilities.logits_of.register(Bernoulli)
def _(dist, p):
    return p.log() - torch.log1p(-p)


@capabilities.conditional_logits.register(Bernoulli)
def _(dist, x):
    """±softplus(logit v + softplus(±φ)): Tucker et al. 2017, appendix."""
    sign = 2 * x - 1
    with torch.no_grad():
        return sign * softplus(_logistic(x.shape, dist.logits) + softplus(sign * dist.logits))


@capabilities.given_sample.register(Bernoulli)
def _(dist, z):
    with torch.no_grad():
        same = (z.sign() * dist.logits).sigmoid()  # P(X = harden(z))
        slope = -torch.expm1(-z.abs()) * same
    return capabilities.attach(z, (dist.logits, slope))


@capabilities.lead.register(Bernoulli)
def _(dist, x, gap):
    sign = 2 * x - 1
    moved = sign * (sign * dist.logits).clamp_min(gap)
    return dist.logits + (moved - dist.logits).detach()


@capabilities.sparsify.register(Bernoulli)
def _(dist, z):
    return ((z + 1) / 2).clamp(0, 1)


@capabilities.mode.register(Bernoulli)
def _(dist):
    return capabilities.harden(dist, dist.logits)  # torch's own is NaN at p = ½


def _logistic(shape, like):
    """Logistic noise: the logit of a uniform number."""
    u = torch.rand(shape, dtype=like.dtype, device=like.device)
    u = u.clamp(torch.finfo(u.dtype).tiny, 1 - torch.finfo(u.dtype).eps / 2)
    return u.log() - torch.log1p(-u)


@capabilities.quantile.register(Bernoulli)
def _(dist, u):
    return (u > 1 - dist.probs.detach()).to(u.dtype)


@capabilities.weak_derivatives.register(Bernoulli)
def _(dist, shape):
    """∂E[f]/∂p = f(1) − f(0): nothing is random in this coordinate."""
    one = torch.ones_like(dist.probs).detach().expand(*shape, *dist.batch_shape)
    return {"probs": Coupled(one, one, torch.zeros_like(one))}


@capabilities.jumps.register(Bernoulli)
def _(dist, x):
    """From zero to one, at the rate 1 / (1 − p): Arya et al. 2022, table 1."""
    return {"probs": Coupled((1 - x) / (1 - dist.probs.detach()), torch.ones_like(x), x)}
