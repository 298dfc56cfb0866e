"""Two exponentials tied by a Gaussian copula, with the conditional cdfs that make it implicit.

`gradmeter compare examples/gaussian_copula.py`
"""

import torch
from torch.distributions import Distribution, Exponential, Normal, constraints
from torch.distributions.utils import broadcast_all
from torch.special import ndtr, ndtri

from benchmarks import Problem


class GaussianCopula(Distribution):
    """x_d = F⁻¹(Φ(z_d); rate_d), z bivariate normal with correlation tanh(tie)."""

    arg_constraints = {"rate": constraints.positive, "tie": constraints.real}  # noqa: RUF012
    support = constraints.independent(constraints.positive, 1)

    def __init__(self, rate, tie, validate_args=None):
        first, tie = broadcast_all(rate[..., 0], tie)
        self.rate, self.tie = rate.expand(*first.shape, 2), tie
        super().__init__(first.shape, torch.Size([2]), validate_args=validate_args)

    def sample(self, sample_shape=()):
        """Pairs: [*sample, *batch, 2]."""
        with torch.no_grad():
            z = torch.randn(self._extended_shape(sample_shape), dtype=self.rate.dtype)
            tie = self.tie.tanh()
            second = tie * z[..., 0] + (1 - tie.square()).sqrt() * z[..., 1]
            return -torch.log(ndtr(-torch.stack([z[..., 0], second], -1))) / self.rate

    def log_prob(self, value):
        """The log density: that of the copula at the normal scores, times the margins'."""
        z, tie = self._scores(value), self.tie.tanh()
        margins = Exponential(self.rate, validate_args=False).log_prob(value).sum(-1)
        given = Normal(tie * z[..., 0], (1 - tie.square()).sqrt(), validate_args=False)
        alone = Normal(0.0, 1.0, validate_args=False)
        return margins + given.log_prob(z[..., 1]) - alone.log_prob(z[..., 1])

    def conditional_cdfs(self, value):
        """F(x_1) and F(x_2 | x_1): [..., 2]."""
        z, tie = self._scores(value), self.tie.tanh()
        given = ndtr((z[..., 1] - tie * z[..., 0]) / (1 - tie.square()).sqrt())
        return torch.stack([ndtr(z[..., 0]), given], -1)

    def _scores(self, value):
        return -ndtri(torch.exp(-self.rate * value))


problem = Problem(
    "gaussian-copula",
    {"rate": torch.tensor([1.0, 2.0]), "tie": torch.tensor(0.5)},
    GaussianCopula,
    lambda x: x.prod(-1),
)
