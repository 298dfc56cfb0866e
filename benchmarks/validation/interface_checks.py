"""Checks of a problem before anything is measured: each mistake gets one sentence."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.validation.cost_checks import check_cost
from estimators import capabilities
from estimators.capabilities import tensors

DRAWS = 64
FEWEST = 2
NUMBERS = 2**24  # in the samples of all copies, at most, where each has many


def completed(problem: Problem) -> Problem:
    """`problem`, with what its distribution lacks derived from what it brings."""
    try:
        dist = problem.family(**{k: v.detach().clone() for k, v in problem.parameters.items()})
    except Exception:  # `Problem.dist` says what is wrong
        return problem
    if capabilities.complete(dist) is dist:
        return problem
    family = problem.family
    return replace(problem, family=lambda **given: capabilities.complete(family(**given)))


def check(problem: Problem) -> None:
    """Raise ProblemError for the first mistake found in `problem`, in float64 as it is measured."""
    problem = problem.to("cpu", torch.float64)
    batch = problem.dist().batch_shape
    sizes = {size for value in problem.parameters.values() for size in value.shape}
    copies = min({3, 5, 7, 11} - sizes, default=13)  # so that no wrong broadcasting goes unseen
    dist = problem.dist(copies)
    if dist.batch_shape != (copies, *batch):
        raise ProblemError(
            f"With {copies} copies of λ, the family of problem {problem.name!r} has "
            f"batch_shape {tuple(dist.batch_shape)} instead of {(copies, *batch)}: let its "
            "parameters broadcast from the right, for example with scale.unsqueeze(-1)."
        )
    _check_parameters_used(problem)
    with stream(stream_key("check", problem.name)):
        x = _samples(problem, dist)
        check_cost(problem, dist, x)


def _check_parameters_used(problem: Problem) -> None:
    copies = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
    held = [t for t in tensors(problem.family(**copies)).values() if t.requires_grad]
    if not held:
        raise ProblemError(
            f"The distribution of problem {problem.name!r} keeps none of its parameters as an "
            "attribute that requires a gradient, which estimators look for; store them in "
            "__init__, as in self.scale = scale, and detach nothing."
        )
    found = torch.autograd.grad(
        sum(t.sum() for t in held), list(copies.values()), allow_unused=True
    )
    for key, grad in zip(copies, found, strict=True):
        if grad is None:
            raise ProblemError(
                f"The family of problem {problem.name!r} ignores its parameter {key!r} (or "
                "detaches it); use it, or leave it out of `parameters`."
            )


def _samples(problem: Problem, dist: Distribution) -> Tensor:
    """Samples [draws, R, *B, *E], each sampler's shape and values having been looked at."""
    copies = dist.batch_shape[0]
    draws = max(min(DRAWS, NUMBERS // max(copies * problem.numbers(1), 1)), FEWEST)
    samplers = ("rsample", "sample") if dist.has_rsample else ("sample",)
    for name in samplers:
        try:
            x = getattr(dist, name)((draws,)).detach()
        except Exception as failure:
            raise ProblemError(
                f"The distribution of problem {problem.name!r} cannot be sampled: "
                f"{type(failure).__name__}: {failure}"
            ) from failure
        _check_samples(problem, dist, name, x, draws)
    return x


def _check_samples(problem: Problem, dist: Distribution, name: str, x: Tensor, draws: int) -> None:
    shape = (draws, *dist.batch_shape, *dist.event_shape)
    if x.shape != shape:
        raise ProblemError(
            f"`{name}(({draws},))` of {capabilities.describe(dist)} in problem {problem.name!r}, "
            f"with batch_shape {tuple(dist.batch_shape)}, has shape {tuple(x.shape)} instead of "
            f"{shape}, which is the sample shape, then batch_shape, then event_shape; draw in "
            "self._extended_shape(sample_shape)."
        )
    bad = int((~x.isfinite()).sum())
    if bad:
        raise ProblemError(
            f"The samples of problem {problem.name!r} are not finite: {bad} of {x.numel()} numbers "
            f"that `{name}` of {capabilities.describe(dist)} gives in {x.dtype}; use less extreme "
            "parameters, or mend the sampler."
        )
