"""How many arguments a cost is given by place: the samples, or also their distribution."""

import functools
import inspect
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

import numpy as np

PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def takes_dist(cost: Callable[..., Any]) -> bool:
    """Whether the cost wants the distribution as its second argument."""
    plain = cost if isinstance(cost, FunctionType) else type(cost).__call__
    if not _countable(plain):  # as that of a module, which hands all on to its `forward`
        plain = getattr(getattr(cost, "forward", None), "__func__", None)
    if _countable(plain):
        return plain.__code__.co_argcount - len(plain.__defaults__ or ()) - (plain is not cost) >= 2
    return positional(cost) >= 2


def _countable(function: Any) -> bool:
    """Whether its code says how many arguments it takes."""
    code = getattr(function, "__code__", None)
    return code is not None and not code.co_flags & inspect.CO_VARARGS


def positional(function: Callable[..., Any], named: Collection[str] = ()) -> int:
    """How many arguments it must be given by place, those in `named` aside.

    One that takes any number is given two; NumPy's, which map a function over an array, one.
    """
    try:
        given = inspect.signature(_behind(function)).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return 1
    if any(p.kind is p.VAR_POSITIONAL for p in given):
        return 1 if _of_numpy(function) else 2
    by_place = [p for p in given if p.kind in PLACES and p.name not in named]
    return sum(p.default is p.empty for p in by_place)


def _behind(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that says what it takes: a module's `forward`, and what NumPy maps."""
    if isinstance(function, functools.partial):
        inner = _behind(function.func)
        return functools.partial(inner, *function.args, **function.keywords)
    if isinstance(function, np.vectorize):
        return function.pyfunc
    return getattr(function, "forward", function)


def _of_numpy(function: Callable[..., Any]) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return type(function).__module__.partition(".")[0] == "numpy"
