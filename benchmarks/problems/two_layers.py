"""Two stochastic layers as one distribution: p(x₁) p(x₂ | x₁) over the concatenated event."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators import capabilities


class TwoLayers(Distribution):
    """x = (x₁, x₂), x₁ ~ `first` and x₂ ~ kind(x₁ · weight + bias).

    `first` has one event axis of length D₁; `weight` is [*batch, D₁, P], `bias` [*batch, P], and
    `kind` turns [..., P] into a distribution with one event axis. Each batch element has weights
    of its own, so that an estimator may treat batch elements apart; share them by expanding.
    `sample` and `log_prob` are exact, `rsample` goes through both layers if both have one.
    """

    arg_constraints = {}  # noqa: RUF012  torch's own name and form

    def __init__(
        self,
        first: Distribution,
        weight: Tensor,
        bias: Tensor,
        kind: Callable[[Tensor], Distribution],
    ):
        self.first, self.weight, self.bias, self.kind = first, weight, bias, kind
        below = first.event_shape[-1]
        above = kind(bias).event_shape[-1]
        super().__init__(first.batch_shape, torch.Size([below + above]), validate_args=False)

    @property
    def support(self):
        """That of the first layer: whether it is discrete is what is asked of it."""
        return self.first.support

    @property
    def has_rsample(self) -> bool:
        """Whether both layers can be sampled along a path."""
        return self.first.has_rsample and self.kind(self.bias).has_rsample

    def second(self, below: Tensor) -> Distribution:
        """p(x₂ | x₁) for `below` [..., *batch, D₁]."""
        return self.kind((below.unsqueeze(-2) @ self.weight).squeeze(-2) + self.bias)

    def sample(self, sample_shape=()):
        """Draws of both layers, without a path: [*sample, *batch, D₁ + D₂]."""
        with torch.no_grad():
            below = self.first.sample(sample_shape)
            return torch.cat([below, self.second(below).sample()], -1)

    def rsample(self, sample_shape=()):
        """Draws of both layers along a path, through the first into the second."""
        below = self.first.rsample(sample_shape)
        return torch.cat([below, self.second(below).rsample()], -1)

    def log_prob(self, value):
        """log p(x₁) + log p(x₂ | x₁): [*sample, *batch]."""
        below, above = self.split(value)
        return self.first.log_prob(below) + self.second(below).log_prob(above)

    def split(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """x₁ and x₂ of x: [..., D₁] and [..., D₂]."""
        width = self.first.event_shape[-1]
        return value[..., :width], value[..., width:]


def shared(first: Distribution, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """weight [..., D, P] and bias [..., P] that a batch [..., B] shares, expanded over the B."""
    batch = first.batch_shape
    weight = weight.unsqueeze(-3).expand(*batch, *weight.shape[-2:])
    return weight, bias.unsqueeze(-2).expand(*batch, bias.shape[-1])


@capabilities.support_table.register
def _(dist: TwoLayers) -> Tensor | None:
    below, above = (capabilities.support_table(d) for d in (dist.first, dist.kind(dist.bias)))
    if below is None or above is None or len(below) * len(above) > capabilities.LARGEST_SUPPORT:
        return None
    return torch.cat([below.repeat_interleave(len(above), 0), above.repeat(len(below), 1)], -1)
