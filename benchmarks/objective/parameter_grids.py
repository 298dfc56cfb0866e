"""Grids of parameters: one problem at many points, for maps of who wins where."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy
import torch

from benchmarks.objective.definition import Problem, ProblemError

MOST = 1000  # points of a grid


def axis(text: str) -> tuple[str, tuple[float, ...]]:
    """The name and values of `NAME=LOW:HIGH:COUNT` (evenly spaced) or `NAME=A,B,C`."""
    name, equals, values = text.partition("=")
    try:
        if ":" in values:
            low, high, count = values.split(":")
            found = tuple(float(v) for v in numpy.linspace(float(low), float(high), int(count)))
        else:
            found = tuple(float(v) for v in values.split(","))
    except ValueError:
        found = ()
    if not (equals and name and found and all(map(math.isfinite, found))):
        raise ProblemError(f"{text!r} is no sweep; write NAME=LOW:HIGH:COUNT or NAME=A,B,C.")
    return name, found


def grid(
    problem: Problem, axes: Iterable[tuple[str, tuple[float, ...]]]
) -> Iterator[tuple[dict[str, float], Problem]]:
    """Every point of the grid, and the problem there: each swept parameter filled with its value.

    - `problem`: where the other parameters come from; a truth it brings is of one point, and left
      out.
    - `axes`: name and values of each swept parameter, as `axis` gives them.

    Raises ProblemError for names that are no parameters, and for more than 1000 points.
    """
    axes = dict(axes)
    for name in axes:
        if name not in problem.parameters:
            raise ProblemError(
                f"Problem {problem.name!r} has no parameter {name!r} to sweep; it has "
                f"{', '.join(problem.parameters)}."
            )
    count = math.prod(map(len, axes.values()))
    if count > MOST:
        raise ProblemError(f"The sweep has {count} points, more than {MOST}; take coarser steps.")
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        moved = {k: torch.full_like(problem.parameters[k], v) for k, v in point.items()}
        where = ",".join(f"{k}={v:g}" for k, v in point.items())
        truth = problem.truth if isinstance(problem.truth, str | None) else None  # of one point
        parameters = {**problem.parameters, **moved}
        name = f"{problem.name}[{where}]"
        yield point, replace(problem, name=name, parameters=parameters, truth=truth)
