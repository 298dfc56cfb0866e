"""Checks of samplers: shapes, streams, repeated values, and laws held against one another."""

import contextlib
import math
from collections.abc import Iterator

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.validation.score_identities import ALARM, DIRECTIONS, projections
from estimators import capabilities

DRAWS = 2**17  # a scale that is 2 % off is ten standard errors off
NUMBERS = 2**22  # held at once, at most
FEWEST = 4  # samples, however large each is
MOVED = 16  # samples whose derivatives in λ are looked at
NAMED = 2  # values in a sentence
EDGE = 1e-6  # relative, by which rounding may carry a sample over the end of a support
PILE = 5  # samples that are one number: by chance not even from 24 random bits
MOST_COLUMNS = 16  # coordinates in which it is looked for
ROUNDING = 1e-12
TINY = 1e-290  # below it, numbers repeat because they end there


def draws_of(dist: Distribution) -> int:
    """How many samples: fewer of a batch, and where each is large or made from many numbers."""
    shape = dist.batch_shape + dist.event_shape
    held = sum(t.numel() for t in capabilities.tensors(dist).values())
    most = DRAWS // max(dist.batch_shape.numel(), 1)
    few = max(min(2**9, 2 * NUMBERS // max(shape.numel(), 1)), FEWEST)
    return max(min(most, NUMBERS // max(shape.numel(), held, 1)), few)


def sampled(dist: Distribution) -> Iterator[tuple[str, Tensor]]:
    """Samples in each way that a univariate distribution has."""
    shape = (draws_of(dist),)
    follows = dist.has_rsample and type(dist).sample is capabilities.Completed.sample
    if not follows:  # else it is `rsample` that somebody wrote
        yield "sample", dist.sample(shape)
    if dist.has_rsample:
        yield "rsample", dist.rsample(shape).detach()
    if capabilities.offers(dist, "icdf") and not dist.event_shape:
        with contextlib.suppress(NotImplementedError):
            yield "icdf", dist.icdf(capabilities.uniforms(dist, shape))


def of_sampler(dist: Distribution) -> Iterator[str]:
    """Whether `sample` has the right shape, torch's noise and support, `rsample` a derivative."""
    key = stream_key("sampler")
    draws = []
    for _ in range(2):
        with stream(key):
            draws.append(dist.sample((64,)))
    x, shape = draws[0], (64, *dist.batch_shape, *dist.event_shape)
    if x.shape != shape:
        yield (
            f"`sample((64,))` has shape {tuple(x.shape)} instead of {shape}, which is the sample "
            "shape, then batch_shape, then event_shape."
        )
    if not torch.equal(x, draws[1]):
        yield (
            "`sample` gives other values for the same torch.manual_seed; draw its noise with torch."
        )
    yield from _unmoved(dist)
    if not dist.event_shape and not capabilities.is_discrete(dist) and _repeats(x):
        yield (
            "samples repeat exactly, as those of a discrete distribution do, but its support does "
            "not say so; add for example `support = constraints.nonnegative_integer`."
        )
    yield from _outside(dist, x)


def _unmoved(dist: Distribution) -> Iterator[str]:
    """Whether `rsample`, which may follow from `icdf`, has a derivative in a parameter."""
    if not dist.has_rsample:
        return
    with torch.enable_grad():
        twin, leaves = capabilities.with_leaves(dist)
        x = twin.rsample((MOVED,))
        if not leaves or (x.requires_grad and (x == x[:1]).all()):
            return
        try:
            if x.requires_grad and _moves(x, leaves):
                return
        except RuntimeError:  # of a sampler with no derivative, which refuses when it is asked
            return
    if not capabilities.offers(dist, "rsample"):
        yield (
            f"`icdf` jumps: it does not depend smoothly on λ, and its samples, such as "
            f"{_several(x)}, have no derivative; if they are discrete, declare that, as with "
            "`support = constraints.boolean` or constraints.integer_interval(0, 3), and add "
            "`log_prob` for a score function; else bring `sample` and `log_prob` instead."
        )
    elif x.requires_grad:
        yield (
            "`rsample` has derivative 0 in every parameter, as floor, round and comparisons have; "
            "compute samples smoothly from the parameters, or set has_rsample = False."
        )
    else:
        yield (
            "`rsample` is detached from every parameter; compute samples from the "
            "parameters without .detach(), .data or no_grad, or set has_rsample = False."
        )


def _moves(x: Tensor, leaves: dict[str, Tensor]) -> bool:
    along = (torch.rand_like(x) * x).sum()  # a plain sum is 1 on a simplex
    found = torch.autograd.grad(along, list(leaves.values()), allow_unused=True)
    return any(grad is not None and bool((grad != 0).any()) for grad in found)


def _several(x: Tensor) -> str:
    """The first values that differ, in words."""
    values = x.detach().flatten().unique()[:NAMED]
    return " and ".join(f"{float(value):.6g}" for value in values)


def _outside(dist: Distribution, x: Tensor) -> Iterator[str]:
    """Whether samples lie between the ends of the support that is declared."""
    try:
        support = dist.support
    except (NotImplementedError, AttributeError):
        return
    support = getattr(support, "base_constraint", support)
    ends = [getattr(support, name, None) for name in ("lower_bound", "upper_bound")]
    low, high = (e if isinstance(e, Tensor) else None if e is None else x.new_tensor(e)
                 for e in ends)  # fmt: skip
    beyond = torch.zeros_like(x, dtype=torch.bool)
    if low is not None:
        beyond |= x < low - EDGE * (1 + low.abs())
    if high is not None:
        beyond |= x > high + EDGE * (1 + high.abs())
    if beyond.any():
        said = (
            f"{'−∞' if low is None else f'{float(low.flatten()[0]):.6g}'} to "
            f"{'∞' if high is None else f'{float(high.flatten()[0]):.6g}'}"
        )
        yield (
            f"its `support` is {said}, and samples lie outside of it, such as "
            f"{float(x[beyond][0]):.6g}; declare the support that they have."
        )


def of_uniform(u: Tensor, what: str, error: float = 0.0) -> Iterator[str]:
    """Whether F(x) [n] is uniform: Kolmogorov–Smirnov, and mean and square of normal scores.

    `error` is how far u may be from F(x). Scores of u within [error, 1 − error] are then off by at
    most error ∫ dz in the mean, and error ∫ 2 |z| dz in the mean square.
    """
    n, end = u.numel(), max(error, 1e-15)
    u = u.flatten().clamp(end, 1 - end)
    steps = torch.arange(n + 1, dtype=u.dtype) / n
    row = in_order(u)
    distance = float(torch.maximum((row - steps[:-1]).max(), (steps[1:] - row).max()))
    z, widest = torch.special.ndtri(u), float(-ndtri(end))
    mean, square = float(z.mean()), float(z.square().mean())
    measured = {
        f"the Kolmogorov–Smirnov distance is {distance:.4f}": (
            (distance - end) * math.sqrt(n) / math.sqrt(math.log(6 / ALARM) / 2)
        ),
        f"the normal scores of the samples have mean {mean:.4f} instead of 0": (
            (abs(mean) - 2 * end * widest) * math.sqrt(n) / _quantile(3)
        ),
        f"the normal scores of the samples have scale {math.sqrt(square):.4f} instead of 1": (
            (abs(square - 1) - 2 * end * (widest**2 + 2)) * math.sqrt(n / 2) / _quantile(3)
        ),
    }
    worst = max(measured, key=measured.get)
    if measured[worst] > 1:
        yield (
            f"{what}: {worst}, over {n} samples (false-alarm rate {ALARM:g}); one of the two is "
            "wrong, or belongs to other parameters."
        )


def same_law(dist: Distribution, count: int) -> Iterator[str]:
    """Whether `rsample` and `sample` have one law: ranks of projections, each batch by itself."""
    x, y = dist.sample((count,)), dist.rsample((count,)).detach()
    for place, along in enumerate(projections(dist, torch.cat([x, y]))):
        pooled = along.reshape(2 * count, -1)
        mixed = torch.randperm(2 * count)  # so that ties are broken at random
        first = mixed < count
        order = pooled[mixed].argsort(0)
        u = (torch.arange(2 * count, dtype=x.dtype) + 0.5) / (2 * count)
        z = torch.special.ndtri(u).unsqueeze(1).expand_as(pooled)
        scores = torch.empty_like(pooled).scatter(0, order, z)  # of each sample, in its batch
        gaps = []
        for score in (scores, scores.square()):
            own = score.mean(1)  # one number a draw: elements of a batch may be correlated
            ours, theirs = own[first], own[~first]
            error = float((ours.var() + theirs.var()).sqrt()) / math.sqrt(count)
            gaps.append((float(theirs.mean() - ours.mean()), error))
        level = _quantile(2 * len(DIRECTIONS))
        if any(abs(gap) > level * error + 1e-12 for gap, error in gaps):
            yield (
                f"`rsample` and `sample` have different laws: along {DIRECTIONS[place]} "
                f"their normal scores differ by {gaps[0][0]:.4f} in mean and {gaps[1][0]:.4f} in "
                f"square, over {count} samples of each (false-alarm rate {ALARM:g})."
            )
            return


def piled_up(dist: Distribution) -> Iterator[str]:
    """Whether a continuous distribution gives one number again and again inside its support."""
    if capabilities.is_discrete(dist):
        return
    x = dist.sample((draws_of(dist),))
    for column in x.reshape(len(x), -1).mT[:MOST_COLUMNS]:
        row = in_order(column)
        if (row[PILE - 1 :] > row[: 1 - PILE]).all():
            continue
        values, counts = row.unique_consecutive(return_counts=True)
        inner = counts >= PILE
        inner[[0, -1]] = False  # numbers end there
        inner &= (values.abs() > TINY) & ((1 - values).abs() > ROUNDING)
        gaps = values.diff() > ROUNDING * values[1:].abs()  # piles of rounding have neighbours
        inner[1:-1] &= gaps[:-1] & gaps[1:]
        if inner.any():
            most = int(counts.where(inner, 0).argmax())
            yield (
                f"samples repeat: {float(values[most]):.6g} came up {int(counts[most])} times in "
                f"{len(x)}, which no density allows; its sampler breaks down there."
            )
            return


def in_order(x: Tensor) -> Tensor:
    """Rows x [..., n] in increasing order, by NumPy: many times as quick as torch's sort."""
    return torch.from_numpy(np.sort(x.detach().double().numpy()))


def _repeats(x: Tensor) -> bool:
    first = x.reshape(len(x), -1)[:, 0]
    return 1 < len(first.unique()) < len(first) / 2


def _quantile(tests: int) -> float:
    return float(-ndtri(ALARM / 2 / tests))
