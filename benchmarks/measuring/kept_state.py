"""What the functions of a problem keep is as it was: lists, dicts, attributes, variables."""

import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from torch import Tensor

MOST = 10_000  # objects that are looked at, the nearest first
OURS = {"benchmarks", "estimators", "torch", "numpy"}  # which keep nothing in global variables
LEAVES = Tensor | type | types.ModuleType | types.BuiltinFunctionType | str | bytes | int | float


@contextmanager
def as_before(*parts: object) -> Iterator[None]:
    """On leaving, what `parts` hold is what they held, however it was assigned or appended within.

    Tensors are the same ones again; what was written into one stays.
    """
    kept = list(_kept(parts))
    try:
        yield
    finally:
        for put_back in kept:
            put_back()


def _kept(parts: tuple) -> Iterator[Callable[[], None]]:
    """For each container within reach, what puts its contents back."""
    waiting, seen = deque(parts), {}
    while waiting and len(seen) < MOST:
        part = waiting.popleft()
        if id(part) in seen or isinstance(part, LEAVES) or part is None:
            continue
        seen[id(part)] = part
        inside, put_back = _contents(part)
        if put_back:
            yield put_back
        waiting += inside


def _contents(part: object) -> tuple[list, Callable[[], None] | None]:
    """What a part holds, and what puts that back."""
    if isinstance(part, dict):
        return list(part.values()), partial(_put_back, part, dict(part))
    if isinstance(part, list):
        return part, partial(part.__setitem__, slice(None), list(part))
    if isinstance(part, tuple | set | frozenset):
        return list(part), None
    if isinstance(part, types.CellType):
        with suppress(ValueError):  # not assigned yet
            held = part.cell_contents
            return [held], partial(setattr, part, "cell_contents", held)
        return [], None
    inside = [vars(part)] if hasattr(part, "__dict__") else []
    if isinstance(part, types.FunctionType):
        named = _named(part)
        inside += [*(part.__closure__ or ()), *(part.__defaults__ or ()), *named.values()]
        return [*inside, part.__kwdefaults__], partial(part.__globals__.update, named)
    if isinstance(part, types.MethodType):
        inside += [part.__self__, part.__func__]
    if isinstance(part, partial):
        inside += [part.func, part.args, part.keywords]
    elif callable(part):
        inside.append(getattr(type(part).__call__, "__func__", type(part).__call__))
        inside.append(getattr(type(part), "forward", None))
    return inside, None


def _named(function: types.FunctionType) -> dict[str, object]:
    """The global variables that a user's function names."""
    home = (function.__module__ or "").partition(".")[0]
    if home in OURS or home in sys.stdlib_module_names - {"__main__"}:
        return {}
    known = function.__globals__
    return {name: known[name] for name in function.__code__.co_names if name in known}


def _put_back(held: dict, before: dict) -> None:
    if list(held) != list(before) or any(held[key] is not before[key] for key in before):
        held.clear()
        held.update(before)
