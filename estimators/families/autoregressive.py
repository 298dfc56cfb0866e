"""Autoregressive: every completion's log-probability at once, and credit for each token."""

import torch
from torch import Tensor
from torch.distributions import Categorical

from estimators import capabilities
from estimators.distributions.autoregressive import Autoregressive
from estimators.distributions.prefixes import completions


@capabilities.support_log_prob.register(Autoregressive)
def _(dist):
    if not isinstance(dist.logits, Tensor):
        return dist.log_prob(capabilities.support_points(dist))
    found = completions(dist.logits.shape[-1], dist.eos, dist.length)
    table = dist.logits.log_softmax(-1)
    terms = table[..., found.prefix, found.tokens]  # [*batch, N, T]
    return torch.where(found.mask, terms, 0.0).sum(-1).movedim(-1, 0)


@capabilities.factor.register(Autoregressive)
def _(dist):
    logits = torch.zeros(*dist.batch_shape, 2)  # of any token: nobody draws from it
    return Categorical(logits=logits, validate_args=False)


@capabilities.factor_log_prob.register(Autoregressive)
def _(dist, x):
    return dist.terms(x)


@capabilities.depending.register(Autoregressive)
def _(dist, terms):
    """Reward to go: a token changes its own term and those after it."""
    return terms.flip(-1).cumsum(-1).flip(-1)
