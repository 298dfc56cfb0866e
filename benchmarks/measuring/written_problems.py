"""A problem is the same for every cell: what a cell writes into it is undone, and is an error."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from weakref import WeakSet

import torch
from torch import Tensor, nn

from benchmarks.objective.definition import Problem

DEPTH = 3  # of functions in functions in which tensors are looked for
BUFFER = "a buffer"
MOST_OF_OTHERS = 10**5  # numbers of a tensor of a problem that is not measured
MOST = 10**7  # numbers of a tensor that is copied; larger ones are only watched

_watched: WeakSet[Problem] = WeakSet()


class WrittenProblem(RuntimeError):
    """A cell changed the problem that it was to be measured on; the message says where."""


def watch(problem: Problem) -> None:
    """From now on, cells of other problems may not write into `problem` either, while it is kept.

    Its tensors of up to `MOST_OF_OTHERS` numbers are compared after each cell.
    """
    _watched.add(problem)


@contextmanager
def unwritten(problem: Problem) -> Iterator[None]:
    """Raise WrittenProblem on leaving if a tensor of `problem` was written into within.

    So for the other problems that are watched. It is put back as it was before, so that the next
    cell is measured on the same problem. The buffers of modules, which some write into by
    themselves, are put back in silence.
    """
    kept = [_Kept.of(problem, *each) for each in tensors_of(problem)]
    own = {id(one.value) for one in kept}
    for other in list(_watched):
        kept += [
            _Kept.of(other, name, value) for name, value in tensors_of(other)
            if id(value) not in own and value.numel() <= MOST_OF_OTHERS
        ]  # fmt: skip
    try:
        yield
    except BaseException as failure:  # perhaps for that reason
        if (written := _put_back(kept)) and isinstance(failure, Exception):
            raise WrittenProblem(written.sentence(problem)) from failure
        raise
    if written := _put_back(kept):
        raise WrittenProblem(written.sentence(problem))


class _Kept(NamedTuple):
    """A tensor of a problem, and how it was before."""

    problem: Problem
    name: str
    value: Tensor
    copy: Tensor | None
    version: int

    @classmethod
    def of(cls, problem: Problem, name: str, value: Tensor) -> "_Kept":
        return cls(problem, name, value, _copied(value), value._version)

    def sentence(self, measured: Problem) -> str:
        on = "it" if measured is self.problem else repr(measured.name)
        return (
            f"{self.name.capitalize()} of problem {self.problem.name!r} was written into while "
            f"{on} was measured, and has been put back; write x = x + 1, which makes a new tensor, "
            "not x += 1."
        )


def _put_back(kept: list[_Kept]) -> _Kept | None:
    """Restore what was kept; the first that had been changed, if it is no buffer of a module."""
    changed = [one for one in kept if not _same(one.value, one.copy, one.version)]
    for one in changed:
        if one.copy is not None:
            one.value.data.copy_(one.copy)
    return next((one for one in changed if not one.name.startswith(BUFFER)), None)


def tensors_of(problem: Problem) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a problem, each with its name: parameters, and those its functions hold."""
    for key, value in problem.parameters.items():
        yield f"parameter {key!r}", value
    for key, value in (problem.weights or {}).items():
        yield f"weight {key!r}", value
    for part in ("family", "cost", "network", "reduction"):
        for kind, value in _held(getattr(problem, part), DEPTH):
            yield f"{kind} of the {part}", value


def _held(part: object, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(part, Tensor):
        yield "a tensor", part
    elif isinstance(part, nn.Module):
        yield from (("a parameter", value) for value in part.parameters())
        yield from ((BUFFER, value) for value in part.buffers())
    elif depth:
        for each in _contents(part):
            yield from _held(each, depth - 1)


def _contents(part: object) -> list:
    if isinstance(part, Mapping):
        return list(part.values())
    if isinstance(part, list | tuple):
        return list(part)
    if isinstance(part, functools.partial):
        return [part.func, part.args, part.keywords]
    if isinstance(part, Callable):
        closed = [_content(cell) for cell in getattr(part, "__closure__", None) or ()]
        own = [] if isinstance(part, type) else list(getattr(part, "__dict__", {}).values())
        return [*closed, *own, getattr(part, "__self__", None)]
    return []


def _content(cell) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _copied(value: Tensor) -> Tensor | None:
    return value.detach().clone() if value.numel() <= MOST else None


def _same(value: Tensor, copy: Tensor | None, version: int) -> bool:
    if copy is None:
        return value._version == version
    if value.shape != copy.shape or value.dtype != copy.dtype:
        return False
    return torch.equal(value, copy) or bool(
        ((value == copy) | (value.isnan() & copy.isnan())).all()
    )
