"""Whether a cost has a mean: the tail of its values, at thresholds that rise."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.validation.sampler_checks import draws_of
from estimators import capabilities, evaluate

SHARES = 64, 1024, 8192  # the largest 1/64 of the costs, and of those the largest
NO_MEAN = 1.08  # tail index below which the mean is taken to be infinite, or as good as
ERRORS = 2.0  # standard errors by which the index may be above that at higher thresholds
RISES = 4.0  # standard errors of a rise of the index, from which on a tail is lighter than a power
ROUNDS = 8  # times as many samples where a first look finds an index below NO_MEAN
FEWEST = 512  # values in the tail
MOST_NUMBERS = 5 * 10**6  # in the fewest samples that speak of it


def check_tail(problem: Problem, dist: Distribution) -> None:
    """Raise ProblemError where the costs have the tail of a power whose mean is infinite.

    A power's tail index is the same above every threshold, and where it is at most 1 there is no
    mean. That of a lighter tail (gamma, log-normal, Weibull) can be as low above one threshold, but
    rises with it.
    """
    if capabilities.support_table(dist) is not None:
        return  # a finite support has every mean, though few values can look like a tail
    if (dist.batch_shape + dist.event_shape).numel() * 2**10 > MOST_NUMBERS:
        return  # so few samples tell nothing of a tail
    count = max(draws_of(dist), 2**10)
    if count // SHARES[0] < FEWEST:
        return
    first = _largest(problem, dist, count, 1)
    if not (_indices(first, SHARES[0]) < NO_MEAN).any():
        return
    top = _largest(problem, dist, count, ROUNDS)
    infinite = without_mean(top)
    if infinite.any():
        raise ProblemError(
            f"The cost of problem {problem.name!r} has no finite mean, as far as {ROUNDS * count} "
            "samples tell: the tail index of its values is "
            f"{float(_indices(top, SHARES[0])[infinite].min()):.2f}, and means need more than 1; "
            "use a cost that grows more slowly or a distribution with lighter tails."
        )


def without_mean(top: Tensor) -> Tensor:
    """Whether the largest 1/64 of values and the next, `top` [k + 1, B], have a tail without mean.

    Hill's (1975) index is below NO_MEAN above the lowest threshold, not clearly above it at higher
    ones, and does not rise: scaled log spacings of a power's largest values are independent and
    exponential (Rényi 1953), so that indices of disjoint spacings have standard errors of
    index / √k.
    """
    low, middle, high = (_indices(top, share) for share in SHARES)
    few, fewer, fewest = (_size(top, share) for share in SHARES)
    below = (low < NO_MEAN) & (top[-1] > 0)
    for index, k in ((middle, fewer), (high, fewest)):
        below &= index * (1 - ERRORS / k**0.5) < NO_MEAN
    rest = (few / low - fewer / middle) / (few - fewer)  # 1 / index of the spacings below `middle`
    rise = (rest * middle).log() / (1 / fewer + 1 / (few - fewer)) ** 0.5
    return below & ~(rise > RISES)


def _largest(problem: Problem, dist: Distribution, count: int, rounds: int) -> Tensor:
    """The largest 1/64 of the costs' sizes, and the next: [k + 1, B], in descending order."""
    k, found = rounds * count // SHARES[0], []
    for _ in range(rounds):
        x = dist.sample((count,))
        with torch.no_grad():
            f = evaluate(problem.cost, x, dist).double().reshape(len(x), -1).abs()
        found.append(f.topk(min(k + 1, count), 0).values)
    return torch.cat(found).topk(k + 1, 0).values


def _indices(top: Tensor, share: int) -> Tensor:
    """Hill's index of the largest 1/`share` of the values: [B]."""
    k = _size(top, share)
    return 1 / (top[:k] / top[k].clamp_min(1e-300)).log().mean(0)


def _size(top: Tensor, share: int) -> int:
    """How many of `top` are the largest 1/`share` of the values."""
    return (len(top) - 1) * SHARES[0] // share
