"""Checks of a cost: a finite function of each sample by itself."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.objective.named_arguments import beside_data
from benchmarks.objective.replicated_calls import NetworkError
from benchmarks.validation.sampler_checks import draws_of
from benchmarks.validation.written_arguments import given_to_cost, unwritten
from estimators import Unsupported, capabilities, evaluate
from estimators.core import bound

NUMBERS = 2**24  # in the samples and costs of all copies, at most
ROUNDING = 1e-5  # relative; of a cost that computes more of its samples than it needs


def check_cost(problem: Problem, dist: Distribution, x: Tensor) -> None:
    """Raise ProblemError for the first mistake in the cost, seen at samples x [K, R, *B, *E]."""
    with unwritten(problem, "cost", given_to_cost(problem, dist, x)):
        f = _costs(problem, dist, x)  # [K, R, *B]
        _call_terms(problem, dist, x)
    if not f.is_floating_point():
        raise ProblemError(
            f"The cost of problem {problem.name!r} returned {f.dtype}; it must return floating "
            "values: add .to(torch.get_default_dtype())."
        )
    bad = int((~f.isfinite()).sum())
    if bad:
        raise ProblemError(
            f"The cost of problem {problem.name!r} is not finite for {bad} of {f.numel()} samples; "
            "make it finite on the whole support of the distribution."
        )
    if not torch.equal(f, _costs(problem, dist, x)):
        raise ProblemError(
            f"The cost of problem {problem.name!r} gives other values for the same samples; draw "
            "its noise once, outside, so that it is a function of x."
        )
    if (x != x[:1]).any() and (f == f[:1]).all():
        x = _telling(problem, dist, len(x))
        f = _costs(problem, dist, x)
    _check_separate(problem, dist, x, f)
    _check_reduction(problem, f)


def _telling(problem: Problem, dist: Distribution, count: int) -> Tensor:
    """At most `count` samples at which the cost differs, out of all points or of many samples.

    Raises ProblemError where it is the same at all of those.
    """
    points = _points(dist)
    x = points if points is not None else _many(problem, dist, count)
    f = _costs(problem, dist, x)
    differs = (f != f[:1]).flatten(1).any(1).nonzero()
    if not len(differs):
        where = (
            f"at all {len(x)} points of the support: it ignores x, so there is nothing to estimate."
            if points is not None
            else f"for all {f.shape[:2].numel()} samples: either it ignores x, so there is nothing "
            "to estimate, or it sees an event so rare that none of them met it; then choose "
            "parameters at which it is more frequent, or a cost that falls off smoothly from it."
        )
        raise ProblemError(f"The cost of problem {problem.name!r} has the same value {where}")
    other = int(differs[0])
    return x[:count] if other < count else torch.cat([x[: count - 1], x[other : other + 1]])


def _many(problem: Problem, dist: Distribution, count: int) -> Tensor:
    """As many samples as the checks of a distribution take, or as the cost allows."""
    numbers = max(dist.batch_shape[0] * problem.numbers(1), 1)
    return dist.sample((max(min(draws_of(dist), NUMBERS // numbers), count),)).detach()


def _points(dist: Distribution) -> Tensor | None:
    """The points of a finite support that have mass, where they can be told: [N, R, *B, *E]."""
    try:
        points = capabilities.support_points(dist)
        if points is None or points.numel() > NUMBERS:
            return None
        return points[(capabilities.support_log_prob(dist) > -torch.inf).flatten(1).all(1)]
    except (Unsupported, NotImplementedError):
        return None


def _call_terms(problem: Problem, dist: Distribution, x: Tensor) -> None:
    """The costs of each factor, where the cost has them, which not every law can take."""
    terms = getattr(problem.cost, "terms", None)
    if terms is not None:
        with contextlib.suppress(Exception):  # estimators that ask for them say what is wrong
            terms(x, dist)


def _check_reduction(problem: Problem, f: Tensor) -> None:
    """Whether a reduction leaves the costs f [K, R, *B] as they are."""
    if problem.reduction is not None:
        costs = f.movedim(0, -1).contiguous()
        with unwritten(problem, "reduction", [("f", costs)]):
            problem.reduction(costs)


def _check_separate(problem: Problem, dist: Distribution, x: Tensor, f: Tensor) -> None:
    """Whether another value of one sample, or of one replicate, leaves every other cost alone."""
    before = _costs(problem, dist, x.clone())  # no transform remembers the pre-image of a copy
    for place, other in _changed(x, f):
        apart = (_costs(problem, dist, other) - before).abs()
        apart[place] = 0
        moved = (apart > ROUNDING * (before.abs() + before.abs().median())).nonzero()
        if not len(moved):
            continue
        within = len(place) > 1 and bool((moved[:, 1] == place[1]).all())
        mixes, whose = (
            ("samples", "another") if within else ("replicates", "a sample of another replicate")
        )
        raise ProblemError(
            f"The cost of problem {problem.name!r} mixes {mixes}: changing one sample changed the "
            f"cost of {whose}, so it is no function of x alone; reduce only the event axes, "
            "counted from the right, and leave centring, ranks and batch normalisation "
            "(use .eval()) out of it."
        )


def _changed(x: Tensor, f: Tensor) -> Iterator[tuple[tuple, Tensor]]:
    """Places in [K, R] and the samples with other values there: extreme and usual places of f."""
    level = f.reshape(*f.shape[:2], -1)[..., 0]  # [K, R]
    in_turn = level.argsort(0)
    middle, most, least = len(x) // 2, int(level.argmax()), int(level.argmin())
    for index, taken in ((most, 0), (least, -1), (None, 0), (None, -1)):
        k, r = divmod(index, x.shape[1]) if index is not None else (int(in_turn[middle, 0]), 0)
        other = x.clone()
        other[k, r] = x[in_turn[taken, r], r]
        yield (k, r), other
    other = x.clone()
    other[:, 0] = x[:, 0].flip(0)
    yield (slice(None), 0), other


def _costs(problem: Problem, dist: Distribution, x: Tensor) -> Tensor:
    own = {k: v.detach().expand(x.shape[1], *v.shape) for k, v in problem.parameters.items()}
    try:
        return evaluate(bound(problem.cost, own), x, dist).detach()
    except (Unsupported, ProblemError):
        raise
    except NetworkError as failure:
        raise ProblemError(f"Problem {problem.name!r}: {failure}") from failure
    except Exception as failure:
        if isinstance(failure, ValueError) and str(failure).startswith("The cost "):  # our own
            raise ProblemError(f"Problem {problem.name!r}: {failure}{_axes(dist)}") from failure
        hint = ""
        if "size" in str(failure):
            hint = "; x has samples and replicates in front: expand what meets it"
            hint += beside_data(problem.cost)
        if "dtype" in str(failure):
            hint = f" (x is {x.dtype}; give modules among `parameters`, frozen if they are fixed)"
        raise ProblemError(
            f"The cost of problem {problem.name!r} raises {type(failure).__name__} for samples of "
            f"shape {tuple(x.shape)}: {failure}{hint}"
        ) from failure


def _axes(dist: Distribution) -> str:
    """What else may be wrong where a cost has another shape than a class of a user's implies."""
    if not isinstance(dist, capabilities.Completed) or dist.event_shape:
        return ""
    return (
        f" If the last axis belongs to each sample, let {capabilities.describe(dist)} state its "
        "`event_shape` and `batch_shape`."
    )
