"""Whether the functions of a problem leave what they are given as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor
from torch.distributions import Distribution
from torch.utils._pytree import tree_leaves

from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.objective.named_arguments import BATCH, Named
from estimators.capabilities import tensors

REFUSED = "written-to tensor"  # torch's words where copies share the memory that is written to
UNKNOWN = "a tensor that it is given"

Given = list[tuple[str, Tensor]]


@contextmanager
def unwritten(problem: Problem, part: str, given: Given) -> Iterator[None]:
    """Raise ProblemError if the `part` of a problem, called within, writes into what it is `given`.

    By torch's counts of writes, and of the first also by its values, which NumPy changes uncounted.
    """
    before = [(name, value, value._version) for name, value in given]
    kept = given[0][1].clone() if given else None
    try:
        yield
    except Exception as failure:
        written = _written(before, kept) or (UNKNOWN if REFUSED in str(failure) else None)
        if written:
            raise _mistake(problem, part, written) from failure
        raise
    if written := _written(before, kept):
        raise _mistake(problem, part, written)


def given_to_cost(problem: Problem, dist: Distribution, x: Tensor) -> Given:
    """Samples x, the tensors of `dist`, and a batch, by name."""
    law = [(f"dist.{path}", value) for path, value in tensors(dist).items()]
    return [("x", x), *law, *given_data(problem, problem.cost)]


def given_data(problem: Problem, function: Callable) -> Given:
    """The batch of data that a family or a cost is given, as tensors."""
    if not isinstance(function, Named):
        return []
    _, batch = function.moved(problem.parameters)
    return [(BATCH, part) for part in tree_leaves(batch) if isinstance(part, Tensor)]


def _written(before: list[tuple[str, Tensor, int]], kept: Tensor | None) -> str | None:
    for name, value, count in before:
        if value._version != count:
            return name
    if kept is None:
        return None
    name, value, _ = before[0]
    same = (value == kept) | ((value != value) & (kept != kept))  # data may have NaN
    return None if bool(same.all()) else name


def _mistake(problem: Problem, part: str, name: str) -> ProblemError:
    copied = name if name.isidentifier() else "x"
    return ProblemError(
        f"The {part} of problem {problem.name!r} changes its argument in place ({name}, by an "
        "operation such as clamp_, -=, x[mask] = 0 or nn.ReLU(inplace=True)); work on a copy, as "
        f"in {copied} = {copied}.clone()."
    )
