"""Autoregressive: the log-probability of every completion, from a table at once."""

import torch
from torch import Tensor

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
