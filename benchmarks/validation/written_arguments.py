"""Whether a cost leaves what it is given as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.utils._pytree import tree_leaves

from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.objective.named_arguments import BATCH, NamedCost
from estimators.capabilities import tensors

REFUSED = "written-to tensor"  # torch's words where copies share the memory that is written to


@contextmanager
def unwritten(problem: Problem, dist: Distribution, x: Tensor) -> Iterator[None]:
    """Raise ProblemError if the cost, called within, writes into samples x, `dist` or a batch.

    By torch's counts of writes, and of x also by its values, which NumPy changes uncounted.
    """
    before = [(name, value, value._version) for name, value in _given(problem, dist, x)]
    kept = x.clone()
    try:
        yield
    except Exception as failure:
        if written := _written(before, x, kept):
            raise _mistake(problem, written) from failure
        if REFUSED in str(failure):
            raise _mistake(problem, "a tensor that it is given") from failure
        raise
    if written := _written(before, x, kept):
        raise _mistake(problem, written)


def _given(problem: Problem, dist: Distribution, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "x", x
    yield from ((f"dist.{path}", value) for path, value in tensors(dist).items())
    if isinstance(problem.cost, NamedCost):
        _, batch = problem.cost.moved(problem.parameters)
        yield from ((BATCH, part) for part in tree_leaves(batch) if isinstance(part, Tensor))


def _written(before: list[tuple[str, Tensor, int]], x: Tensor, kept: Tensor) -> str | None:
    counted = next((name for name, value, count in before if value._version != count), None)
    return counted if counted or torch.equal(x.nan_to_num(), kept.nan_to_num()) else "x"


def _mistake(problem: Problem, name: str) -> ProblemError:
    return ProblemError(
        f"The cost of problem {problem.name!r} changes its argument in place ({name}, by an "
        "operation such as clamp_, -= or x[mask] = 0); work on a copy, as in x = x.clone()."
    )
