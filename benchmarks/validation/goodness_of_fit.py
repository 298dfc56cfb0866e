"""Checks of a distribution: its pieces against one another.

Every test has a false-alarm rate of `ALARM`, Bonferroni's share of it where it looks at several
numbers. What is seen: errors of about 2 % in a scale, at the sample sizes below; in several
dimensions, a factor of the density that depends on x. What is not seen: a constant factor of a
density in several dimensions, on which no gradient but that of a sum over the support depends, and
errors far in the tails. Classes that torch or this package brings, which their own tests hold to
more, have fewer samples for identities.
"""

import contextlib
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
from torch.distributions import Distribution, Independent, Transform

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem, ProblemError, unvalidated
from benchmarks.validation.cdf_jumps import of_cdf
from benchmarks.validation.hidden_dependence import hidden
from benchmarks.validation.integrated_density import INTEGRATES, Integral, integral_of
from benchmarks.validation.law_of_network import at_own_tensors
from benchmarks.validation.sampler_checks import (
    draws_of,
    of_sampler,
    of_uniform,
    piled_up,
    same_law,
    sampled,
)
from benchmarks.validation.score_identities import BLOCKS, of_gradients
from benchmarks.validation.stein_identities import of_density
from benchmarks.validation.tail_checks import check_tail
from estimators import capabilities

MOST_CAUTIONS = 3
KNOWN = 2**14  # samples for identities of a class that torch or this package brings
HELD = 2**22  # numbers in as many copies of λ or samples of x as identities ask for

_examined: WeakKeyDictionary[Problem, tuple[str, ...]] = WeakKeyDictionary()


def examine(problem: Problem) -> tuple[str, ...]:
    """Cautions about a problem, in sentences; ProblemError for the first wrong piece of a user's.

    What torch and this package bring is held to the same checks, at the parameters of the problem:
    what is found is a caution. So is what a cost or a reduction hides from autograd. A problem is
    examined once; it takes a second.
    """
    if problem not in _examined:
        moved = problem.to("cpu", torch.float64)
        with stream(stream_key("examine", problem.name)), unvalidated():
            _examined[problem] = tuple(_examine(moved))
    return _examined[problem]


def _examine(problem: Problem) -> Iterator[str]:
    dist = problem.dist()
    name = capabilities.describe(dist)
    if brought(dist) and capabilities.is_point_mass(dist):
        return  # nothing in it is random, and its density is no function
    if brought(dist):
        for found in faults(problem):
            raise ProblemError(f"{name} of problem {problem.name!r}: {found}")
        if _too_large(at_own_tensors(problem)):
            yield (
                f"{name} of problem {problem.name!r} is too large for its density and derivatives "
                "to be held against its samples; check the class on fewer numbers."
            )
    else:
        found = list(_doubts(problem))
        yield from (f"{name} is inexact at these parameters: {one}" for one in found)
    check_tail(problem, dist)
    yield from hidden(problem)


def brought(part: Distribution | Transform) -> bool:
    """Whether a class from outside torch and this package is anywhere in a distribution."""
    if type(part).__module__.partition(".")[0] not in ("torch", "estimators", "benchmarks"):
        return True
    inner = [*vars(part).values(), *getattr(part, "transforms", ())]
    return any(brought(p) for p in inner if isinstance(p, Distribution | Transform))


def faults(problem: Problem) -> Iterator[str]:
    """A sentence for every piece of the problem's distribution that is wrong, lazily."""
    dist = factor = problem.dist()
    while isinstance(factor, Independent):
        factor = factor.base_dist
    yield from of_sampler(dist)
    integral = integral_of(factor)
    if integral is not None:
        yield from of_cdf(factor, integral)
        yield from integral.faults()
        yield from _of_law(factor, integral)
    elif dist.has_rsample:
        yield from same_law(dist, draws_of(dist))
    yield from _identities(problem, draws_of(dist) // 2)


def _doubts(problem: Problem) -> Iterator[str]:
    """The same of a distribution that torch or this package brings, as far as a rule reaches."""
    found: dict[str, str] = {}  # the first of each kind
    with contextlib.suppress(Exception):  # a check that cannot be made says nothing
        dist = factor = problem.dist()
        while isinstance(factor, Independent):
            factor = factor.base_dist
        for one in piled_up(dist):
            found.setdefault("pile", one)
        integral = integral_of(factor)
        if integral is not None and not any(integral.faults()):
            for one in _of_law(factor, integral):
                found.setdefault("law", one)
        for one in _identities(problem, min(draws_of(dist) // 2, KNOWN)):
            found.setdefault(one.partition(" ")[0], one)
    yield from list(found.values())[:MOST_CAUTIONS]


def _of_law(dist: Distribution, integral: Integral) -> Iterator[str]:
    """Whether samples are at uniform places of the integral, or of the cdf if there is one.

    The cdf has been held against the integral, and has no error of a rule.
    """
    if integral.error > INTEGRATES:
        return
    law = "log_prob" if capabilities.offers(dist, "log_prob") else "cdf"
    for name, x in sampled(dist):
        for one in of_uniform(integral.pit(x), f"`{name}` disagrees with `{law}`", integral.error):
            if integral.given is None or any(of_uniform(dist.cdf(x), one)):
                yield one


def _too_large(problem: Problem) -> bool:
    """Whether the copies of λ or the samples that identities ask for would be too large."""
    dist = problem.dist()
    parameters = sum(value.numel() for value in problem.parameters.values())
    samples = 16 * (dist.batch_shape + dist.event_shape).numel()
    return BLOCKS * max(parameters, samples) > HELD


def _identities(problem: Problem, count: int) -> Iterator[str]:
    problem = at_own_tensors(problem)
    if _too_large(problem):
        return
    yield from of_gradients(problem, count)
    yield from of_density(problem.dist(), count)
