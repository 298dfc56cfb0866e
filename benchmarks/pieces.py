"""Checks of a user's distribution: its pieces against one another, before any is believed.

Every test has a false-alarm rate of `ALARM`, Bonferroni's share of it where it looks at several
numbers. What is seen: errors of about 2 % in a scale, at the sample sizes below. What is not seen:
a constant factor of a density in several dimensions, on which no gradient but that of a sum over
the support depends, and errors far in the tails.
"""

import contextlib
import math
from collections.abc import Iterator
from weakref import WeakSet

import torch
from scipy.special import ndtri
from torch import Tensor
from torch.distributions import Distribution, Independent, Transform

from benchmarks.integrals import integral_of
from benchmarks.measuring.streams import stream, stream_key
from benchmarks.problem import Problem, ProblemError, unvalidated
from benchmarks.scores import ALARM, DIRECTIONS, of_gradients, projections
from estimators import evaluate, families

DRAWS = 2**17  # a scale that is 2 % off is ten standard errors off
NUMBERS = 2**23  # held at once, at most
TAIL = 64  # the largest 1/64 of the costs speak of their tail
NO_MEAN = 1.08  # tail index below which the mean is taken to be infinite, or as good as


_examined: WeakSet[Problem] = WeakSet()


def examine(problem: Problem) -> None:
    """Raise ProblemError for the first piece of a user's distribution that is shown to be wrong.

    What torch and this package bring is believed. A problem is examined once; it takes a second.
    """
    if problem in _examined:
        return
    moved = problem.to("cpu", torch.float64)
    dist = moved.dist()
    with stream(stream_key("examine", problem.name)), unvalidated():
        if brought(dist):
            for found in faults(moved):
                raise ProblemError(
                    f"{families.describe(dist)} of problem {problem.name!r}: {found}"
                )
        _check_tail(moved, dist)
    _examined.add(problem)


def brought(part: Distribution | Transform) -> bool:
    """Whether a class from outside torch and this package is anywhere in a distribution."""
    if type(part).__module__.partition(".")[0] not in ("torch", "estimators"):
        return True
    inner = [*vars(part).values(), *getattr(part, "transforms", ())]
    return any(brought(p) for p in inner if isinstance(p, Distribution | Transform))


def faults(problem: Problem) -> Iterator[str]:
    """A sentence for every piece of the problem's distribution that is wrong, lazily."""
    dist = factor = problem.dist()
    while isinstance(factor, Independent):
        factor = factor.base_dist
    count = _draws(dist)
    yield from _of_sampler(dist)
    integral = integral_of(factor)
    if integral is not None:
        yield from integral.faults()
        for name, x in _sampled(factor):
            yield from _uniform(integral.pit(x), f"`{name}` disagrees with `log_prob`")
    elif dist.has_rsample:
        yield from _same_law(dist, count)
    yield from of_gradients(problem, count // 2)


def _sampled(dist: Distribution) -> Iterator[tuple[str, Tensor]]:
    """Samples in each way that a univariate distribution has."""
    shape = (_draws(dist),)
    yield "sample", dist.sample(shape)
    if dist.has_rsample:
        yield "rsample", dist.rsample(shape).detach()
    if families.offers(dist, "icdf") and not dist.event_shape:
        with contextlib.suppress(NotImplementedError):
            yield "icdf", dist.icdf(families.uniforms(dist, shape))


def _of_sampler(dist: Distribution) -> Iterator[str]:
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
    if not dist.event_shape and not families.is_discrete(dist) and _repeats(x):
        yield (
            "samples repeat exactly, as those of a discrete distribution do, but its support does "
            "not say so; add for example `support = constraints.nonnegative_integer`."
        )
    if dist.has_rsample:
        with torch.enable_grad():
            twin, leaves = families.with_leaves(dist)
            if leaves and not twin.rsample((2,)).requires_grad:
                yield (
                    "`rsample` is detached from every parameter; compute samples from the "
                    "parameters without .detach(), .data or no_grad, or set has_rsample = False."
                )


def _uniform(u: Tensor, what: str) -> Iterator[str]:
    """Whether F(x) [n] is uniform: Kolmogorov–Smirnov, and mean and square of normal scores."""
    n = u.numel()
    u = u.flatten().clamp(1e-15, 1 - 1e-15)
    steps = torch.arange(n + 1, dtype=u.dtype) / n
    ordered = u.sort().values
    distance = float(torch.maximum((ordered - steps[:-1]).max(), (steps[1:] - ordered).max()))
    z = torch.special.ndtri(u)
    measured = {
        f"the Kolmogorov–Smirnov distance is {distance:.4f}": (
            distance * math.sqrt(n) / math.sqrt(math.log(6 / ALARM) / 2)
        ),
        f"the normal scores of the samples have mean {float(z.mean()):.4f} instead of 0": (
            float(z.mean().abs()) * math.sqrt(n) / _quantile(3)
        ),
        f"the normal scores of the samples have scale {float(z.square().mean().sqrt()):.4f} "
        "instead of 1": float((z.square().mean() - 1).abs()) * math.sqrt(n / 2) / _quantile(3),
    }
    worst = max(measured, key=measured.get)
    if measured[worst] > 1:
        yield (
            f"{what}: {worst}, over {n} samples (false-alarm rate {ALARM:g}); one of the two is "
            "wrong, or belongs to other parameters."
        )


def _same_law(dist: Distribution, count: int) -> Iterator[str]:
    """Whether `rsample` and `sample` have one law: ranks of projections, each batch by itself."""
    x, y = dist.sample((count,)), dist.rsample((count,)).detach()
    for place, along in enumerate(projections(dist, torch.cat([x, y]))):
        pooled = along.reshape(2 * count, -1)
        mixed = torch.randperm(2 * count)  # so that ties are broken at random
        first = (mixed < count).unsqueeze(1).expand_as(pooled)
        order = pooled[mixed].argsort(0)
        u = (torch.arange(2 * count, dtype=x.dtype) + 0.5) / (2 * count)
        z = torch.special.ndtri(u).unsqueeze(1)
        sign = torch.where(first.gather(0, order), 1.0, -1.0)
        columns = count * sign.shape[1]
        shift = float((sign * z).sum() / columns)
        spread = float((sign * z.square()).sum() / columns)
        level = _quantile(2 * len(DIRECTIONS))
        if max(abs(shift) / math.sqrt(2), abs(spread) / 2) * math.sqrt(columns) > level:
            yield (
                f"`rsample` and `sample` have different laws: along {DIRECTIONS[place]} "
                f"their normal scores differ by {-shift:.4f} in mean and {-spread:.4f} in square, "
                f"over {columns} samples of each (false-alarm rate {ALARM:g})."
            )
            return


def _check_tail(problem: Problem, dist: Distribution) -> None:
    """Hill's (1975) tail index of the costs: at 1 and below there is no mean."""
    if families.support_table(dist) is not None:
        return  # a finite support has every mean, though few values can look like a tail
    x = dist.sample((max(_draws(dist), 2**10),))
    with torch.no_grad():
        f = evaluate(problem.cost, x, dist).double().reshape(len(x), -1).abs()
    k = len(f) // TAIL
    top = f.topk(k + 1, 0).values  # [k + 1, B]
    index = 1 / (top[:-1] / top[-1].clamp_min(1e-300)).log().mean(0)
    worst = float(index.min())
    if k >= 512 and worst < NO_MEAN and top[-1].min() > 0:
        raise ProblemError(
            f"The cost of problem {problem.name!r} has no finite mean, as far as {len(f)} samples "
            f"tell: the tail index of its values is {worst:.2f}, and means need more than 1; use a "
            "cost that grows more slowly or a distribution with lighter tails."
        )


def _draws(dist: Distribution) -> int:
    """How many samples: fewer of a batch, and where each is large or made from many numbers."""
    shape = dist.batch_shape + dist.event_shape
    held = sum(t.numel() for t in families.tensors(dist).values())
    most = DRAWS // max(dist.batch_shape.numel(), 1)
    return max(min(most, NUMBERS // max(shape.numel(), held, 1)), 2**9)


def _repeats(x: Tensor) -> bool:
    first = x.reshape(len(x), -1)[:, 0]
    return 1 < len(first.unique()) < len(first) / 2


def _quantile(tests: int) -> float:
    return float(-ndtri(ALARM / 2 / tests))
