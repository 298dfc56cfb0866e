"""Delta: a deterministic value as a distribution, so that networks without noise fit in."""

import torch
from torch import Tensor
from torch.distributions import Distribution


class Delta(Distribution):
    """All mass at `value` [*batch, *event], with `event_dim` event axes.

    `rsample` is the value itself, with its derivative. It has no density, hence no score.
    """

    arg_constraints = {}  # noqa: RUF012  torch's own name and form
    has_rsample = True

    def __init__(self, value: Tensor, event_dim: int = 0):
        self.value = value
        batch = value.ndim - event_dim
        super().__init__(value.shape[:batch], value.shape[batch:], validate_args=False)

    @property
    def mean(self):
        """The value."""
        return self.value

    @property
    def variance(self):
        """Zero: [*batch, *event]."""
        return torch.zeros_like(self.value)

    def rsample(self, sample_shape=()):
        """The value, `sample_shape` times: [*sample, *batch, *event]."""
        return self.value.expand(*sample_shape, *self.value.shape)

    def log_prob(self, value):
        """Refused: a point mass has no density."""
        raise NotImplementedError(
            "a Delta has no density and no score, for nothing in it is random; use pathwise, "
            "which is plain backpropagation here"
        )
