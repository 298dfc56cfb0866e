"""The tanh-transformed normal, whose log-probability keeps its digits near ±1."""

import torch
from torch.distributions import Normal, TanhTransform, TransformedDistribution, constraints


class TanhNormal(TransformedDistribution):
    """The distribution of tanh(z), z ~ N(loc, scale²): a squashed Gaussian policy.

    log p(x) = log N(z; loc, scale²) − 2 (log 2 − z − softplus(−2z)),   z = artanh(x)

    `loc` and `scale` broadcast to `batch_shape`; event_shape is (). For the samples drawn last, z
    is remembered, so that the log-probability is exact even where tanh has rounded to ±1; for other
    values x is first moved inside the last floating number below 1. ValueError for scale ≤ 0.
    Source: Haarnoja et al. 2018, arXiv:1801.01290, appendix C.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.interval(-1.0, 1.0)

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, _SafeTanh(cache_size=1), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """This distribution with its parameters expanded to `batch_shape`."""
        own = self._get_checked_instance(TanhNormal, _instance)
        return super().expand(batch_shape, _instance=own)

    @property
    def loc(self):
        """The location of the normal before tanh."""
        return self.base_dist.loc

    @property
    def scale(self):
        """The scale of the normal before tanh."""
        return self.base_dist.scale


class _SafeTanh(TanhTransform):
    """Tanh whose inverse is finite at ±1."""

    def _inverse(self, y):
        last = 1 - torch.finfo(y.dtype).eps / 2
        return y.clamp(-last, last).atanh()
