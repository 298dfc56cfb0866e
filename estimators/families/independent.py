"""Independent: every capability of the base distribution, with batch axes read as event axes."""

from torch.distributions import Independent

from estimators.families import capabilities, couplings


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


@capabilities.bernoulli_logits.register(Independent)
def _(dist):
    return capabilities.bernoulli_logits(dist.base_dist)


@capabilities.logits_of.register(Independent)
def _(dist, p):
    return capabilities.logits_of(dist.base_dist, p)


@capabilities.conditional_logits.register(Independent)
def _(dist, x):
    return capabilities.conditional_logits(dist.base_dist, x)


@capabilities.given_sample.register(Independent)
def _(dist, z):
    return capabilities.given_sample(dist.base_dist, z)


@capabilities.lead.register(Independent)
def _(dist, x, gap):
    return capabilities.lead(dist.base_dist, x, gap)


@capabilities.sparsify.register(Independent)
def _(dist, z):
    return capabilities.sparsify(dist.base_dist, z)


@capabilities.mode.register(Independent)
def _(dist):
    return capabilities.mode(dist.base_dist)


@couplings.quantile.register(Independent)
def _(dist, u):
    return couplings.quantile(dist.base_dist, u)


@couplings.mirrored.register(Independent)
def _(dist, shape):
    return couplings.mirrored(dist.base_dist, shape)


@couplings.from_gammas.register(Independent)
def _(dist, gamma):
    return couplings.from_gammas(dist.base_dist, gamma)


@couplings.weak_derivatives.register(Independent)
def _(dist, shape):
    found = couplings.weak_derivatives(dist.base_dist, shape)
    return {f"base_dist.{path}": pair for path, pair in found.items()}


@couplings.jumps.register(Independent)
def _(dist, x):
    found = couplings.jumps(dist.base_dist, x)
    return {f"base_dist.{path}": pair for path, pair in found.items()}
