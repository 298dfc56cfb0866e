"""A Laplace distribution conditioned on x > 0, known by its cdf alone.

Everything else follows: samples by inversion, the density, implicit gradients.
`gradmeter compare examples/truncated_laplace.py`
"""

import torch
from torch.distributions import Laplace, constraints

from benchmarks import Problem


class TruncatedLaplace:
    """Laplace(loc, scale) given x > 0."""

    support = constraints.positive

    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale

    def cdf(self, x):
        """P(X ≤ x | X > 0)."""
        laplace = Laplace(self.loc, self.scale, validate_args=False)
        below = laplace.cdf(torch.zeros_like(x))
        return (laplace.cdf(x) - below) / (1 - below)


problem = Problem(
    "truncated-laplace",
    {"loc": torch.tensor(0.5), "scale": torch.tensor(1.0)},
    TruncatedLaplace,
    lambda x: (x - 1).square(),
)
