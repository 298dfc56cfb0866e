"""Checks of a problem before anything is measured: each mistake gets one sentence."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.frameworks.foreign_costs import within_reach
from benchmarks.machine.process_settings import settings_kept
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem, ProblemError, sized
from benchmarks.objective.named_arguments import beside_data
from benchmarks.validation.cost_checks import check_cost
from benchmarks.validation.failing_pieces import failing_piece, first_line
from benchmarks.validation.goodness_of_fit import brought
from benchmarks.validation.written_arguments import given_data, unwritten
from estimators import Unsupported, capabilities, evaluate
from estimators.capabilities import tensors
from estimators.core import bound

DRAWS = 64
FEWEST = 2
NUMBERS = 2**24  # in the samples of all copies, at most, where each has many


def completed(problem: Problem) -> Problem:
    """`problem`, with what its distribution lacks derived from what it brings."""
    wide = (
        torch.get_default_dtype() if isinstance(problem.family, torch.nn.Module) else torch.double
    )
    at = {k: v.detach().clone().cpu().to(wide) for k, v in problem.parameters.items()}
    try:
        problem = _with_sizes(problem, at)
        family = capabilities.completed_family(problem.family, at)
    except Exception:  # `Problem.dist` says what is wrong
        return problem
    if family is not problem.family:
        problem = replace(problem, family=family)
    return _with_reached_cost(problem)


def _with_sizes(problem: Problem, at: dict[str, Tensor]) -> Problem:
    """`problem`, with a family whose shapes are sizes where the class makes them tuples."""
    made, family = problem.family(**at), problem.family
    if not any(type(getattr(made, f"{n}_shape", None)) is tuple for n in ("batch", "event")):
        return problem
    return replace(problem, family=lambda **parameters: sized(family(**parameters)))


def _with_reached_cost(problem: Problem) -> Problem:
    """`problem`, with a cost that leaves torch for NumPy or JAX given its derivative in x."""
    try:
        dist = capabilities.complete(problem.dist(2))
        with stream(stream_key("reach", problem.name)):
            cost = within_reach(problem.cost, dist.sample((2,)), dist)
    except Exception:  # `check` says what is wrong
        return problem
    return problem if cost is problem.cost else replace(problem, cost=cost)


def check(problem: Problem) -> None:
    """Raise ProblemError for the first mistake found in `problem`, in float64 as it is measured."""
    problem = problem.to("cpu", torch.float64)
    _check_constraints(problem)
    batch = problem.dist().batch_shape
    shapes = [batch, problem.dist().event_shape, *(v.shape for v in problem.parameters.values())]
    sizes = {size for shape in shapes for size in shape}
    copies = min({3, 5, 7, 11} - sizes, default=13)  # so that no wrong broadcasting goes unseen
    with unwritten(problem, "family", given_data(problem, problem.family)):
        dist = problem.dist(copies)
    if dist.batch_shape != (copies, *batch):
        raise ProblemError(
            f"With {copies} copies of λ, the family of problem {problem.name!r} has "
            f"batch_shape {tuple(dist.batch_shape)} instead of {(copies, *batch)}: let its "
            "parameters broadcast from the right, for example with scale.unsqueeze(-1), and its "
            f"class state its batch_shape{beside_data(problem.family)}."
        )
    _check_parameters_used(problem)
    _check_same_law(problem, tensors(dist), tensors(problem.dist(copies)))
    with stream(stream_key("check", problem.name)):
        x = _samples(problem, dist)
        check_cost(problem, dist, x)


def _check_constraints(problem: Problem) -> None:
    """Whether λ is where torch's classes allow it, though their checks are turned off.

    A first `torch.compile` does that for a whole process. Other people's classes are not asked.
    """
    if not Distribution._validate_args and not brought(problem.dist()):
        with settings_kept():
            Distribution.set_default_validate_args(True)
            problem.dist()


def _check_same_law(problem: Problem, found: dict[str, Tensor], again: dict[str, Tensor]) -> None:
    """Whether the family is a function of λ: a module in it may draw noise of its own."""
    for path, value in found.items():
        if path in again and not torch.equal(value.nan_to_num(), again[path].nan_to_num()):
            raise ProblemError(
                f"The family of problem {problem.name!r} gives another distribution each time it "
                "is called; all that is random must be drawn from the distribution that it "
                "returns: put modules into .eval(), and take noise out of them."
            )


def _check_parameters_used(problem: Problem) -> None:
    copies = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
    held = [t for t in tensors(problem.family(**copies)).values() if t.requires_grad]
    if not held:
        raise ProblemError(
            f"The distribution of problem {problem.name!r} keeps none of its parameters as an "
            "attribute that requires a gradient, which estimators look for; store them in "
            "__init__, as in self.scale = scale, and detach nothing."
        )
    reached = [t.sum() for t in held]
    try:
        with stream(stream_key("used", problem.name)):
            dist = capabilities.complete(problem.family(**copies))
            f = evaluate(bound(problem.cost, copies), dist.sample((2,)), dist)
    except Exception:  # which the checks of samples and costs say in their own words
        return
    reached += [f.sum()] if f.requires_grad else []
    found = torch.autograd.grad(sum(reached), list(copies.values()), allow_unused=True)
    for key, grad in zip(copies, found, strict=True):
        if grad is None:
            raise ProblemError(
                f"The family of problem {problem.name!r} ignores its parameter {key!r} (or "
                f"detaches it){_and_cost(problem)}; use it, {_left_out(problem, key)}."
            )


def _and_cost(problem: Problem) -> str:
    return ", and so does the cost" if hasattr(problem.cost, "given") else ""


def _left_out(problem: Problem, name: str) -> str:
    networks = getattr(problem.family, "networks", None)
    if networks is None or networks.owner(name) == name:
        return "or leave it out of `parameters`"
    return "or freeze it with .requires_grad_(False)"


def _samples(problem: Problem, dist: Distribution) -> Tensor:
    """Samples [draws, R, *B, *E], each sampler's shape and values having been looked at."""
    copies = dist.batch_shape[0]
    try:
        numbers = problem.numbers(1)
    except Exception:  # of the cost, whose own check says it in better words
        numbers = 1
    draws = max(min(DRAWS, NUMBERS // max(copies * numbers, 1)), FEWEST)
    samplers = ("rsample", "sample") if dist.has_rsample else ("sample",)
    for name in samplers:
        try:
            x = getattr(dist, name)((draws,)).detach()
        except Unsupported as refusal:
            raise ProblemError(f"Problem {problem.name!r} cannot be measured: {refusal}") from None
        except Exception as failure:
            sentence = failing_piece(problem, failure) or (
                f"The distribution of problem {problem.name!r} cannot be sampled: "
                f"{type(failure).__name__}: {first_line(failure)}; `{name}` gets a torch.Size "
                "and returns [*sample, *batch, *event]."
            )
            raise ProblemError(sentence) from failure
        _check_samples(problem, dist, name, x, draws)
    return x


def _way_out_of_shape(dist: Distribution, shape: torch.Size) -> str:
    """What to do about samples of `shape`, which should be batch_shape and then event_shape."""
    batch, event = dist.batch_shape, dist.event_shape
    if not event and shape[: len(batch)] == batch and len(shape) > len(batch):
        own = list(shape[len(batch) :])
        return (
            f"if each sample has {own}, state `event_shape = torch.Size({own})` in the class (or "
            "give it to super().__init__); else draw no more axes than those"
        )
    if not isinstance(dist, capabilities.Completed):
        return "draw in self._extended_shape(sample_shape)"
    fewer = shape[: len(shape) - len(event)]
    cut = len(batch) - len(fewer)
    if cut > 0 and fewer == batch[:-cut]:
        return (
            "if parameters have axes that are not of the batch, as logits have, give the class a "
            f"property `batch_shape`, such as `return self.logits.shape[:-{cut}]`, which is "
            f"{tuple(fewer)} here"
        )
    return (
        "draw in self._extended_shape(sample_shape), or let the class state its `batch_shape` and "
        "`event_shape`"
    )


def _check_samples(problem: Problem, dist: Distribution, name: str, x: Tensor, draws: int) -> None:
    shape = (draws, *dist.batch_shape, *dist.event_shape)
    if not x.numel():
        raise ProblemError(
            f"Samples of {capabilities.describe(dist)} in problem {problem.name!r} hold no "
            f"numbers, with event_shape {tuple(dist.event_shape)}, so there is nothing to estimate."
        )
    if x.shape != shape:
        raise ProblemError(
            f"`{name}(({draws},))` of {capabilities.describe(dist)} in problem {problem.name!r}, "
            f"with batch_shape {tuple(dist.batch_shape)}, has shape {tuple(x.shape)} instead of "
            f"{shape}, which is the sample shape, then batch_shape, then event_shape; "
            f"{_way_out_of_shape(dist, x.shape[1:])}."
        )
    bad = int((~x.isfinite()).sum())
    if bad:
        raise ProblemError(
            f"The samples of problem {problem.name!r} are not finite: {bad} of {x.numel()} numbers "
            f"that `{name}` of {capabilities.describe(dist)} gives in {x.dtype}; use less extreme "
            "parameters, or mend the sampler."
        )
