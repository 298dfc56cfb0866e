"""Event axes: summing over them, spreading over them, and gradients that stand on them."""

from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.relaxation import logits


def over_event(dist: Distribution, t: Tensor) -> Tensor:
    """The sum of `t` [..., *event] over the event axes of `dist`."""
    axes = len(dist.event_shape)
    return t.flatten(t.ndim - axes).sum(-1) if axes else t


def spread(dist: Distribution, f: Tensor) -> Tensor:
    """`f` [..., *batch] with an axis of length one for every event axis of `dist`."""
    return f.reshape(f.shape + (1,) * len(dist.event_shape))


def carry_logits(dist: Distribution, gradient: Tensor) -> Tensor:
    """Zero, with `gradient` [*batch, *event] as derivative in the logits of `dist`: [*batch]."""
    own = logits(dist)
    return over_event(dist, gradient.detach() * (own - own.detach()))
