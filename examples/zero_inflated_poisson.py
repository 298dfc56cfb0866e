"""A Poisson that is 0 more often: `sample` and `log_prob` over the integers.

`gradmeter compare examples/zero_inflated_poisson.py`
"""

import torch
from torch.distributions import Distribution, Poisson, constraints
from torch.distributions.utils import broadcast_all

from benchmarks import Problem


class ZeroInflatedPoisson(Distribution):
    """0 with probability sigmoid(gate), else Poisson(rate)."""

    arg_constraints = {"rate": constraints.positive, "gate": constraints.real}  # noqa: RUF012
    support = constraints.nonnegative_integer

    def __init__(self, rate, gate, validate_args=None):
        self.rate, self.gate = broadcast_all(rate, gate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def sample(self, sample_shape=()):
        """Counts: [*sample, *batch]."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            open_ = torch.rand(shape, dtype=self.rate.dtype) > self.gate.sigmoid()
            return torch.poisson(self.rate.expand(shape)) * open_

    def log_prob(self, value):
        """The log mass."""
        zero, rest = self.gate.sigmoid(), (-self.gate).sigmoid()
        mass = rest * Poisson(self.rate, validate_args=False).log_prob(value).exp()
        return (mass + zero * (value == 0)).log()


problem = Problem(
    "zero-inflated-poisson",
    {"rate": torch.tensor(3.0), "gate": torch.tensor(-1.0)},
    ZeroInflatedPoisson,
    lambda x: (x - 2).square(),
)
