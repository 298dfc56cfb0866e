"""TransformedDistribution: what the base can do, carried through the transforms."""

import torch
from torch.distributions import TransformedDistribution

from estimators import capabilities
from estimators.capabilities import Coupled, Unsupported, describe, tensors


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


@capabilities.quantile.register(TransformedDistribution)
def _(dist, u):
    if not all(transform.bijective for transform in dist.transforms):
        return capabilities.quantile.dispatch(object)(dist, u)  # HalfNormal has its own icdf
    width = dist.base_dist.event_shape[-1:]
    u = u[..., : width[0]] if width else u  # a simplex has one coordinate more than its noise
    if not dist.event_shape:
        for transform in dist.transforms:  # a falling transform would make x fall with u
            u = torch.where(torch.as_tensor(transform.sign) > 0, u, 1 - u)
    return _through(dist, capabilities.quantile(dist.base_dist, u))


@capabilities.mirrored.register(TransformedDistribution)
def _(dist, shape):
    if not all(transform.bijective for transform in dist.transforms):
        return capabilities.mirrored.dispatch(object)(dist, shape)
    return tuple(_through(dist, x) for x in capabilities.mirrored(dist.base_dist, shape))


@capabilities.from_gammas.register(TransformedDistribution)
def _(dist, gamma):
    return _through(dist, capabilities.from_gammas(dist.base_dist, gamma))


@capabilities.weak_derivatives.register(TransformedDistribution)
def _(dist, shape):
    own = tensors(dist)
    if dist.event_shape or any(
        t.requires_grad and not path.startswith("base_dist") for path, t in own.items()
    ):
        raise Unsupported(
            f"The transforms of {describe(dist)} have parameters or mix coordinates, which its "
            "base's measure-valued derivatives do not see; use pathwise or reinforce-loo."
        )
    found = capabilities.weak_derivatives(dist.base_dist, shape)
    return {
        f"base_dist.{path}": Coupled(
            pair.weight, _through(dist, pair.positive), _through(dist, pair.negative)
        )
        for path, pair in found.items()
    }


def _through(dist, x):
    for transform in dist.transforms:
        x = transform(x)
    return x
