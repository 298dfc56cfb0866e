"""TransformedDistribution: implicit gradients of the base, carried through the transforms."""

from torch.distributions import TransformedDistribution

from estimators.families import capabilities


@capabilities.implicit.register(TransformedDistribution)
def _(dist, x):
    if not all(transform.bijective for transform in dist.transforms):
        return capabilities.implicit.dispatch(object)(dist, x)  # HalfNormal has a cdf of its own
    for transform in reversed(dist.transforms):
        x = transform.inv(x)
    x = capabilities.implicit(dist.base_dist, x)
    for transform in dist.transforms:
        x = transform(x)
    return x


@capabilities.cdf.register(TransformedDistribution)
def _(dist, x):
    if not all(transform.bijective for transform in dist.transforms):
        return capabilities.cdf.dispatch(object)(dist, x)
    sign = 1
    for transform in reversed(dist.transforms):
        x = transform.inv(x)
        sign = sign * transform.sign
    below = capabilities.cdf(dist.base_dist, x)
    return sign * (below - 0.5) + 0.5
