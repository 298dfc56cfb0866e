"""An exception from somebody's method, in one sentence: which one, of what, and the way out."""

from types import FrameType

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.definition import Problem, ProblemError
from estimators import Unsupported, capabilities

VALUES = "let it take values [*sample, *batch, *event] with any leading axes, in any floating dtype"
DRAWS = "let it take a torch.Size of any length and return [*sample, *batch, *event]"
WAYS = {
    "log_prob": VALUES,
    "cdf": VALUES,
    "icdf": VALUES,
    "sample": DRAWS,
    "rsample": DRAWS,
    "support": "declare it as torch does, for example `support = constraints.positive`",
    "enumerate_support": "let it take `expand=False` and return [N, *ones, *event], or delete it",
    "expand": "let it return the same kind of distribution with that batch_shape, or leave it out",
    "mean": "raise NotImplementedError where there is none",
    "variance": "raise NotImplementedError where there is none",
    "mode": "raise NotImplementedError where there is none",
}
LACKING = {  # where a class says that it has none
    "sample": "bring one, or `cdf` or `icdf`, which a sample follows from",
    "rsample": "bring one, or set has_rsample = False",
    "log_prob": "bring one, or leave it out",
}
OF_TORCH = "that is a fault of torch; a subclass that brings this method anew does without it"


def failing_piece(problem: Problem, failure: Exception) -> str | None:
    """The sentence for a failure inside a method of a distribution of `problem`, or None.

    The method is the outermost of the `WAYS` on the way to where `failure` was raised.
    """
    if isinstance(failure, Unsupported):
        return None  # a sentence already
    for frame in _frames(failure):
        held = frame.f_locals.get("self")
        piece = frame.f_code.co_name
        if isinstance(held, Distribution) and piece in WAYS:
            theirs = not type(held).__module__.startswith("torch.")
            if isinstance(failure, NotImplementedError) and piece in LACKING:
                return (
                    f"{_name(held)} of problem {problem.name!r} has no `{piece}`: "
                    f"{first_line(failure)}; {LACKING[piece]}."
                )
            return (
                f"`{piece}` of {_name(held)} in problem {problem.name!r} raises "
                f"{type(failure).__name__}{_argument(frame)}: {first_line(failure)}; "
                f"{WAYS[piece] if theirs else OF_TORCH}."
            )
    return None


def as_problem_error(problem: Problem, failure: Exception) -> ProblemError:
    """A failure on the way to a measurement, as a mistake in the problem: one sentence."""
    sentence = failing_piece(problem, failure)
    if sentence is None and isinstance(failure, Unsupported):
        sentence = f"Problem {problem.name!r} cannot be measured: {failure}"
    if sentence is None:
        *_, last = _frames(failure)
        file = last.f_code.co_filename.rpartition("site-packages/")[2]  # as a package has it
        place = f"{file}, line {last.f_lineno}"
        sentence = (
            f"Problem {problem.name!r} cannot be examined: {type(failure).__name__}: "
            f"{first_line(failure)} (in {place}); call its family and its cost with "
            "parameters that have two axes more, as they will be."
        )
    return ProblemError(sentence)


def first_line(failure: Exception) -> str:
    """What an exception says, to the end of its first line."""
    return (str(failure).strip().splitlines() or ["no message"])[0].rstrip(".;:")


def _frames(failure: Exception) -> list[FrameType]:
    trace, found = failure.__traceback__, []
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


def _argument(frame: FrameType) -> str:
    """What the method was given, if that is a tensor or a shape."""
    code = frame.f_code
    for name in code.co_varnames[1 : code.co_argcount]:
        given = frame.f_locals.get(name)
        if isinstance(given, Tensor):
            dtype = str(given.dtype).removeprefix("torch.")
            return f" for a {name} of shape {tuple(given.shape)} in {dtype}"
        if isinstance(given, torch.Size | tuple):
            return f" for the {name} {tuple(given)}"
    return ""


def _name(dist: Distribution) -> str:
    try:
        return capabilities.describe(dist)
    except Exception:
        return type(dist).__name__
