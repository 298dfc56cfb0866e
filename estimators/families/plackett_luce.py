"""Plackett–Luce: the terms of a cost belong to the places."""

from torch.distributions import Categorical

from estimators import capabilities
from estimators.distributions import PlackettLuce


@capabilities.factor.register(PlackettLuce)
def _(dist):
    return Categorical(logits=dist.logits, validate_args=False)
