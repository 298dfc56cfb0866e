"""Independent: every capability of the base distribution, with batch axes read as event axes."""

from torch.distributions import Independent

from estimators.families import capabilities


@capabilities.implicit.register(Independent)
def _(dist, x):
    return capabilities.implicit(dist.base_dist, x)


@capabilities.logits.register(Independent)
def _(dist):
    return capabilities.logits(dist.base_dist)


@capabilities.perturbed_logits.register(Independent)
def _(dist, shape):
    return capabilities.perturbed_logits(dist.base_dist, shape)


@capabilities.soften.register(Independent)
def _(dist, z):
    return capabilities.soften(dist.base_dist, z)


@capabilities.harden.register(Independent)
def _(dist, z):
    return capabilities.harden(dist.base_dist, z)
