"""The mass of a distribution summed up over its support, and where samples lie in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.truth.quadrature import quadrature_nodes
from benchmarks.validation.sampler_checks import in_order
from estimators import Unsupported, capabilities

INTEGRATES = 1e-3  # how far a total may be from one, beside its own error
MOST_BATCH = 128  # elements of a batch that are integrated
FALLS = 1e-7


@dataclass(frozen=True)
class Integral:
    """Points [B, N] in increasing order and the mass up to and with each: [B, N].

    `mass` [B, N] is what each point has by itself where the support is discrete. `given` is the
    distribution's own cdf at the points; `direction` tells events of several numbers apart.
    """

    points: Tensor
    below: Tensor
    error: float = 0.0
    mass: Tensor | None = None
    given: Tensor | None = None
    direction: Tensor | None = None

    def faults(self) -> Iterator[str]:
        """Whether it sums to one, and whether the cdf says the same."""
        total = self.below[:, -1]
        off = float((total - 1).abs().max())
        if not off <= INTEGRATES + 10 * self.error:
            worst = float(total[(total - 1).abs().argmax()])
            yield (
                f"`log_prob` integrates to {worst:.6g} instead of 1: a normaliser or the Jacobian "
                "of a change of variables is missing, or `support` is not the truth."
            )
        if self.given is None:
            return
        drop = float(self.given.diff(dim=1).min())
        if drop < -FALLS:
            yield f"`cdf` is not monotone: it falls by {-drop:.3g} where x grows."
        apart = (self.given - self.below).abs()
        if not float(apart.max()) <= INTEGRATES + 10 * self.error:
            row, place = divmod(int(apart.argmax()), apart.shape[1])
            yield (
                "`cdf` is not the integral of `log_prob`: at x = "
                f"{float(self.points[row, place]):.4g} it is {float(self.given[row, place]):.4f}, "
                f"the integral {float(self.below[row, place]):.4f}; is it of the same parameters?"
            )

    def pit(self, x: Tensor) -> Tensor:
        """F(x), at random within a jump: uniform if x [n, ...] has this law. In any order."""
        if self.direction is not None:
            x = x.double().reshape(len(x), -1, len(self.direction)) @ self.direction
        x = x.reshape(len(x), -1).mT.contiguous()[: len(self.points)]  # [B, n]
        x = in_order(x)  # neighbours are found much sooner
        place = torch.searchsorted(self.points, x - 1e-9 if self.mass is not None else x)
        place = place.clamp(0, self.points.shape[1] - 1)
        high = self.below.gather(1, place)
        if self.mass is not None:
            return high - self.mass.gather(1, place) * torch.rand_like(high)
        left = (place - 1).clamp_min(0)
        low, start = self.below.gather(1, left), self.points.gather(1, left)
        end = self.points.gather(1, place)
        share = ((x - start) / (end - start).clamp_min(1e-300)).clamp(0, 1)
        return low + share * (high - low)


@torch.no_grad()
def integral_of(dist: Distribution) -> Integral | None:
    """The integral of a univariate density or of a discrete mass; None where neither is reached."""
    if dist.batch_shape.numel() > MOST_BATCH:
        return None
    try:
        points = capabilities.support_points(dist)
        if points is not None:
            return _over_points(dist, points, 0.0)
        if capabilities.is_discrete(dist):
            return None if dist.event_shape else _over_integers(dist)
        return None if dist.event_shape else _over_line(dist)
    except (Unsupported, NotImplementedError):
        return None


def _over_points(dist: Distribution, points: Tensor, error: float) -> Integral:
    axes = len(dist.batch_shape)
    direction = None
    if dist.event_shape:  # a random projection tells the points apart
        direction = torch.rand(dist.event_shape.numel(), dtype=torch.float64)
        projected = points.flatten(1 + axes).double() @ direction
    else:
        projected = points.double()
    log_p = capabilities.support_log_prob(dist) if direction is not None else dist.log_prob(points)
    projected = projected.reshape(len(points), -1).mT.contiguous()  # [B, N]
    ordered, order = projected.sort(1)
    mass = log_p.exp().double().reshape(len(points), -1).mT.gather(1, order)
    given = None
    if direction is None and capabilities.offers(dist, "cdf"):
        given = _cdf(dist, points, order)
    return Integral(ordered.contiguous(), mass.cumsum(1), error, mass, given, direction)


def _over_integers(dist: Distribution) -> Integral | None:
    low, high = capabilities.bounds(dist)
    if low is None or high is not None:
        return None
    last = int(dist.sample((2**12,)).max()) * 2 + 100
    if last > capabilities.LARGEST_SUPPORT:
        return None
    x = torch.arange(int(torch.as_tensor(low).min()), last, dtype=torch.float64)
    x = x.reshape(-1, *[1] * len(dist.batch_shape)).expand(-1, *dist.batch_shape)
    return _over_points(dist, x, 0.0)


def _over_line(dist: Distribution) -> Integral | None:
    x, log_weight = quadrature_nodes(dist)
    if x is None:
        return None
    density = (dist.log_prob(x) + log_weight).exp().nan_to_num(0.0)
    if (density == torch.inf).any():
        return None  # a singular end that no rule reaches
    fine, coarse = density.sum(0), 2 * density[::2].sum(0)
    error = float((fine - coarse).abs().max())
    order = x.reshape(len(x), -1).mT.sort(1)  # nodes that round to the bounds lie in the middle
    rows = density.reshape(len(x), -1).mT.gather(1, order.indices)  # [B, N]
    ordered = order.values.contiguous()
    first = torch.searchsorted(ordered, ordered)  # nodes at one x share their mass
    last = torch.searchsorted(ordered, ordered, right=True) - 1
    upto = rows.cumsum(1)  # the trapezoid rule: up to each node, half of its own mass
    below = (upto.gather(1, last) + (upto - rows).gather(1, first)) / 2
    below[:, -1] = rows.sum(1)
    given = _cdf(dist, x, order.indices) if capabilities.offers(dist, "cdf") else None
    return Integral(ordered, below, error, given=given)


def _cdf(dist: Distribution, x: Tensor, order: Tensor) -> Tensor | None:
    try:
        return dist.cdf(x).double().reshape(len(x), -1).mT.gather(1, order)
    except (Unsupported, NotImplementedError):
        return None
