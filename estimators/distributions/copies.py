"""Independent copies of one distribution, over which objectives of several draws are expected."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints

from estimators import capabilities
from estimators.capabilities.fused_twins import fused


class Copies(Distribution):
    """`count` independent draws of `base_dist` as one event: [count, *event of the base].

    The parameters are held once. batch_shape is that of the base.
    """

    arg_constraints = {}  # noqa: RUF012, as in torch.distributions

    def __init__(self, base_dist: Distribution, count: int, validate_args: bool | None = None):
        self.base_dist, self.count = base_dist, count
        event_shape = torch.Size((count, *base_dist.event_shape))
        super().__init__(base_dist.batch_shape, event_shape, validate_args=validate_args)

    @property
    def has_rsample(self) -> bool:
        return self.base_dist.has_rsample

    @property
    def support(self):
        return constraints.independent(self.base_dist.support, 1)

    def expand(self, batch_shape, _instance=None):
        return Copies(self.base_dist.expand(batch_shape), self.count)

    def rsample(self, sample_shape=()):
        return self.together(self.base_dist.rsample((*sample_shape, self.count)))

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.together(self.base_dist.sample((*sample_shape, self.count)))

    def log_prob(self, value):
        return self.base_dist.log_prob(self.apart(value)).sum(-1 - len(self.batch_shape))

    def apart(self, x: Tensor) -> Tensor:
        """[..., *batch, count, *event] as samples of the base: [..., count, *batch, *event]."""
        axis = x.ndim - len(self.event_shape)
        return x.movedim(axis, axis - len(self.batch_shape))

    def together(self, x: Tensor) -> Tensor:
        """The inverse of `apart`."""
        axis = x.ndim - len(self.event_shape)
        return x.movedim(axis - len(self.batch_shape), axis)


def of_samples(capability: Callable) -> Callable:
    """The base's capability, of tensors [..., *batch, *event] and other arguments."""

    def found(dist, *given):
        apart = (dist.apart(x) if isinstance(x, Tensor) else x for x in given)
        return dist.together(capability(dist.base_dist, *apart))

    return found


def of_draws(capability: Callable) -> Callable:
    """The base's capability of drawing samples: a shape in, a tensor or a pair of them out."""

    def found(dist, shape):
        drawn = capability(dist.base_dist, (*shape, dist.count))
        if isinstance(drawn, tuple):
            return tuple(map(dist.together, drawn))
        return dist.together(drawn)

    return found


def of_points(capability: Callable) -> Callable:
    """The base's capability of naming a point [*batch, *event], the same for every copy."""

    def found(dist):
        point = capability(dist.base_dist).unsqueeze(len(dist.batch_shape))
        return point.expand(*dist.batch_shape, *dist.event_shape)

    return found


for _capability in (
    capabilities.implicit,
    capabilities.soften,
    capabilities.harden,
    capabilities.logits_of,
    capabilities.conditional_logits,
    capabilities.given_sample,
    capabilities.lead,
    capabilities.sparsify,
    capabilities.quantile,
):
    _capability.register(Copies)(of_samples(_capability))
for _capability in (capabilities.perturbed_logits, capabilities.mirrored):
    _capability.register(Copies)(of_draws(_capability))
for _capability in (
    capabilities.logits,
    capabilities.bernoulli_logits,
    capabilities.categorical_logits,
    capabilities.mode,
):
    _capability.register(Copies)(of_points(_capability))


@capabilities.at_logits.register(Copies)
def _(dist, z):
    return Independent(capabilities.at_logits(dist.base_dist, z), 1)  # copies differ by now


@capabilities.support_table.register(Copies)
def _(dist):
    points = capabilities.support_table(dist.base_dist)  # [n, *event of the base]
    if points is None or len(points) ** dist.count > capabilities.LARGEST_SUPPORT:
        return None
    choice = torch.cartesian_prod(*[torch.arange(len(points), device=points.device)] * dist.count)
    return points[choice.reshape(-1, dist.count)]


@fused.register(Copies)
def _(dist):
    return Copies(fused(dist.base_dist), dist.count)
