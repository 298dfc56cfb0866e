"""Checks of a problem before anything is measured: each mistake gets one sentence."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem, ProblemError
from estimators import Unsupported, capabilities, evaluate
from estimators.capabilities import tensors

DRAWS = 64
ROUNDING = 1e-5  # relative; a distribution may remember the samples it drew more exactly


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
    """Raise ProblemError for the first mistake found in `problem`."""
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
        _check_cost(problem, dist, x)


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


def _samples(problem: Problem, dist) -> Tensor:
    try:
        return dist.sample((DRAWS,))
    except Exception as failure:
        raise ProblemError(
            f"The distribution of problem {problem.name!r} cannot be sampled: "
            f"{type(failure).__name__}: {failure}"
        ) from failure


def _check_cost(problem: Problem, dist, x: Tensor) -> None:
    f = _costs(problem, dist, x)  # [K, R, *B]
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
        raise ProblemError(
            f"The cost of problem {problem.name!r} has the same value for all {DRAWS} samples; it "
            "ignores x, so there is nothing to estimate."
        )
    other = x.clone()
    other[:, 0] = x[:, 0].flip(0)
    gap = (f - _costs(problem, dist, other))[:, 1:].abs().max()
    if gap > ROUNDING * f.abs().max():
        raise ProblemError(
            f"The cost of problem {problem.name!r} mixes replicates: changing the samples of one "
            "changed the cost of another; reduce only the event axes, counted from the right."
        )


def _costs(problem: Problem, dist, x: Tensor) -> Tensor:
    try:
        return evaluate(problem.cost, x, dist).detach()
    except (Unsupported, ProblemError):
        raise
    except ValueError as failure:
        raise ProblemError(f"Problem {problem.name!r}: {failure}") from failure
    except Exception as failure:
        raise ProblemError(
            f"The cost of problem {problem.name!r} raises {type(failure).__name__} for samples of "
            f"shape {tuple(x.shape)}: {failure}"
        ) from failure
