"""The truncated normal distribution, which torch lacks."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.utils import broadcast_all


class TruncatedNormal(Distribution):
    """The normal distribution N(loc, scale²) conditioned on low < x < high.

    p(x) = φ((x − loc)/scale) / (scale · (Φ(β) − Φ(α))), α and β the standardised bounds.

    `loc` and `scale` broadcast to `batch_shape`, `low` and `high` are constants that do;
    event_shape is (). `rsample` inverts the cdf, so pathwise and implicit gradients are one.
    Intervals in the upper tail are mirrored into the lower one, where Φ keeps its digits.
    ValueError for scale ≤ 0 and for low ≥ high.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    has_rsample = True

    def __init__(self, loc, scale, low, high, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        self.low, self.high = low, high
        if not torch.as_tensor(low < high).all():
            raise ValueError(f"low must lie below high, not low={low} and high={high}.")
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        """Between low and high."""
        return constraints.interval(self.low, self.high)

    def expand(self, batch_shape, _instance=None):
        """This distribution with its parameters expanded to `batch_shape`."""
        own = (p.expand(batch_shape) for p in (self.loc, self.scale))
        return TruncatedNormal(*own, self.low, self.high, validate_args=False)

    def rsample(self, sample_shape=()) -> Tensor:
        """Samples by inverse cdf, differentiable in loc and scale: [*sample, *batch]."""
        shape = self._extended_shape(torch.Size(sample_shape))
        return self.icdf(torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density; −inf outside the bounds."""
        z = (value - self.loc) / self.scale
        log_density = -z.square() / 2 - self.scale.log() - math.log(2 * math.pi) / 2
        inside = (value >= self.low) & (value <= self.high)
        return torch.where(inside, log_density - self._log_mass(*self._bounds()), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        """P(X ≤ value), differentiable in loc, scale and value."""
        alpha, beta = self._bounds()
        z = (value.clamp(self.low, self.high) - self.loc) / self.scale
        return (self._log_mass(alpha, z) - self._log_mass(alpha, beta)).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile function, differentiable in loc, scale and value."""
        alpha, beta = self._bounds()
        upper = alpha + beta > 0  # mirror intervals in the upper tail: Φ has its digits below
        alpha, beta = torch.where(upper, -beta, alpha), torch.where(upper, -alpha, beta)
        value = torch.where(upper, 1 - value, value)
        below, above = torch.special.ndtr(alpha), torch.special.ndtr(beta)
        z = torch.special.ndtri(below + value * (above - below)).clamp(alpha, beta)
        return self.loc + self.scale * torch.where(upper, -z, z)

    @property
    def mean(self) -> Tensor:
        """loc + scale · (φ(α) − φ(β)) / (Φ(β) − Φ(α))."""
        alpha, beta = self._bounds()
        density = [(-b.square() / 2).exp() / math.sqrt(2 * math.pi) for b in (alpha, beta)]
        return self.loc + self.scale * (density[0] - density[1]) / self._log_mass(alpha, beta).exp()

    def _bounds(self) -> tuple[Tensor, Tensor]:
        return (self.low - self.loc) / self.scale, (self.high - self.loc) / self.scale

    @staticmethod
    def _log_mass(alpha: Tensor, beta: Tensor) -> Tensor:
        """log(Φ(β) − Φ(α)), computed in the tail where it keeps its digits."""
        upper = alpha + beta > 0
        low, high = torch.where(upper, -beta, alpha), torch.where(upper, -alpha, beta)
        log_high = torch.special.log_ndtr(high)
        return log_high + torch.log1p(-(torch.special.log_ndtr(low) - log_high).exp())
