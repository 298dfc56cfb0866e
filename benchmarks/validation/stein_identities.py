"""Stein's identity between samples and the derivative of `log_prob` in x, in any dimension.

E[ψ'(a) + ψ(a) vᵀ∇ log p(y)] = 0,   a = vᵀy,   for bounded smooth ψ and |v| = 1

where y is x without bounds: x = T(y), and p(y) = p(x) |∂T/∂y| vanishes at both ends of each line.
It sees what no derivative in λ shows: a factor of the density that depends on x alone, such as the
Jacobian of a change of variables. It does not see a constant factor. Source: Stein 1972, Proc. 6th
Berkeley Symp.; as a test, Liu, Lee & Jordan 2016, ICML (arXiv:1602.03253).
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, biject_to, constraints
from torch.distributions.transforms import Transform

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.validation.score_identities import ALARM, BLOCKS, mean_of, off, worst_of
from estimators import Unsupported, capabilities

JUMP = 1e-2  # a step, in widths of y, over which a smooth log density is as its slope says
JUMPS = 1e-3  # share of the steps over which it may not be
ROUNDED = 1e-4  # share of samples so near to an end that rounding decides where y is
FEWEST = 2**12  # steps, to tell


class _Points(NamedTuple):
    """n samples without bounds, centred and scaled [n, B, D], and ∇ log p there."""

    z: Tensor
    slope: Tensor


@torch.no_grad()
def of_density(dist: Distribution, count: int) -> Iterator[str]:
    """A sentence if `log_prob` has another slope in x than the law of the samples.

    `dist` is continuous with an event; `count` is the number of samples. Densities with jumps,
    on surfaces, and on supports that nobody maps from the real line are left alone.
    """
    if not dist.event_shape or capabilities.is_discrete(dist):
        return
    try:
        points = _points(dist, count // BLOCKS * BLOCKS)
    except (Unsupported, NotImplementedError, RuntimeError, ValueError, TypeError):
        return  # no density, no derivative, no map
    if points is None:
        return
    for along, slope in _lines(points):
        bump = (-along.square() / 2).exp()
        pairs = (
            (torch.ones_like(along), torch.zeros_like(along)),
            (along.tanh(), 1 - along.tanh().square()),
            (bump, -along * bump),
        )
        for value, derivative in pairs:
            each = derivative + value * slope  # [n, B]
            means = each.reshape(BLOCKS, -1).mean(1, keepdim=True)
            if off(means):
                yield (
                    "`log_prob` is not the density of the samples: Stein's identity "
                    f"E[h'(x) + h(x) ∂ log p/∂x] = 0 gives {mean_of(means[:, worst_of(means)])} "
                    f"over {len(each)} samples, with a false-alarm rate of {ALARM:g}; the Jacobian "
                    "of a change of variables is missing or is there twice, samples have another "
                    "law, or `support` says less than the truth."
                )
                return


def _points(dist: Distribution, count: int) -> _Points | None:
    x = dist.sample((count,))
    transform = biject_to(_support(dist))
    y = transform.inv(x)
    if not y.isfinite().all() or (y.shape == x.shape and _on_a_surface(x, dist)):
        return None
    axes = len(dist.batch_shape) + 1
    rows = y.flatten(axes)
    centre = rows.median(0).values
    width = (rows - centre).abs().median(0).values
    if not (width > 0).all():
        return None  # values that repeat
    rounded = transform.inv(x * (1 + torch.finfo(x.dtype).eps * torch.randn_like(x)))
    blurred = (rounded - y).abs().flatten(axes) > 1e-3 * width  # also x that left the support
    if not rounded.isfinite().all() or blurred.any(-1).float().mean() > ROUNDED:
        return None
    slope, log_p = _slope(dist, transform, y)
    with stream(stream_key("steps")):
        ahead = torch.randn(rows.shape[-1], dtype=rows.dtype)
    step = JUMP * width * ahead / ahead.norm()
    there, log_p_there = _slope(dist, transform, (rows + step).reshape(y.shape))
    expected = ((slope + there).flatten(axes) / 2 * step).sum(-1)
    change = log_p_there - log_p
    smooth = (change - expected).abs() < 0.5 + 0.5 * expected.abs()  # also false where NaN
    if smooth.numel() < FEWEST or (~smooth).float().mean() > JUMPS:
        return None
    if _ends_inside(dist, transform, y):
        return None  # as where coordinates are in order: nothing is known at such an end
    z, scaled = (rows - centre) / width, slope.flatten(axes) * width
    return _Points(z.reshape(count, -1, z.shape[-1]), scaled.reshape(count, -1, z.shape[-1]))


def _ends_inside(dist: Distribution, transform: Transform, y: Tensor) -> bool:
    """Whether the density is 0 somewhere inside of the declared support.

    Tried at points whose coordinates are each of another sample.
    """
    if len(y) < 2:
        return False
    flat = y.flatten(len(dist.batch_shape) + 1)
    mixed = torch.stack([c.roll(i, 0) for i, c in enumerate(flat.unbind(-1))], -1)
    _, log_p = _slope(dist, transform, mixed.reshape(y.shape))
    return bool((log_p == -math.inf).any())


def _support(dist: Distribution) -> constraints.Constraint:
    """The support that is declared, or all of space."""
    try:
        support = dist.support
    except (NotImplementedError, AttributeError):
        support = None
    whole = constraints.independent(constraints.real, len(dist.event_shape))
    return whole if support is None else support


@torch.enable_grad()
def _slope(dist: Distribution, transform: Transform, y: Tensor) -> tuple[Tensor, Tensor]:
    """∇ log p(y), in the shape of y, and log p(y) [n, *batch], detached."""
    leaf = y.detach().requires_grad_()
    x = transform(leaf)
    log_p = dist.log_prob(x) + transform.log_abs_det_jacobian(leaf, x)
    return torch.autograd.grad(log_p.sum(), leaf)[0], log_p.detach()


def _on_a_surface(x: Tensor, dist: Distribution) -> bool:
    """Whether all events have one norm or one sum, so that they have no density in space."""
    flat = x.flatten(len(dist.batch_shape) + 1)
    return any(
        bool((size.std(0) < 1e-6 * flat.abs().mean()).any())
        for size in (flat.norm(dim=-1), flat.sum(-1))
    )


def _lines(points: _Points) -> Iterator[tuple[Tensor, Tensor]]:
    """vᵀz and vᵀ∇ log p along two random lines, that of one coordinate, and the diagonal."""
    size = points.z.shape[-1]
    with stream(stream_key("directions")):
        drawn = torch.randn(2, size, dtype=points.z.dtype)
    first, ones = torch.eye(size, dtype=drawn.dtype)[0], torch.ones(size, dtype=drawn.dtype)
    for v in (first, ones / size**0.5, *(row / row.norm() for row in drawn)):
        yield points.z @ v, points.slope @ v
