"""The fields of an estimator as plain values: what tells two configurations apart in results."""

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor

PLAIN = "a number, text, true, false, None, a list of these, a function or a dataclass"


def plain(value: Any) -> Any:
    """`value` as JSON can hold it, other for whatever is configured otherwise.

    Dataclasses are their type and fields, functions their module and name. One without a name of
    its own (a lambda, a function within another, a partial) is also a digest of its code and of
    what it holds; another version of Python may give another digest.
    Raises TypeError for anything else, such as a tensor: two of them could not be told apart.
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)  # JSON has no infinity
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f for f in dataclasses.fields(value) if f.init and f.compare]
        return {"type": type(value).__name__} | {
            f.name: plain(getattr(value, f.name)) for f in fields
        }
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, torch.dtype | torch.device | Enum):
        return str(value)
    return _function(value)


def described(value: Any) -> Any:
    """`plain(value)`, or for what has no plain value the name of its type."""
    try:
        return plain(value)
    except TypeError:
        return type(value).__name__


def check(estimator: Any) -> None:
    """Raise TypeError for a field of an estimator that would not tell two configurations apart."""
    for field in dataclasses.fields(estimator):
        if field.name != "name" and field.init and field.compare:
            try:
                plain(getattr(estimator, field.name))
            except TypeError as wrong:
                raise TypeError(f"The field {field.name!r} of {estimator} is {wrong}.") from None


def _function(value: Any) -> Any:
    if isinstance(value, functools.partial):
        given = {"arguments": plain(value.args), "keywords": plain(value.keywords)}
        return {"partial": plain(value.func), **given}
    if isinstance(value, MethodType):
        return {"method": value.__name__, "of": plain(value.__self__)}
    if not isinstance(value, type | FunctionType | BuiltinFunctionType):
        raise TypeError(f"{_named(value)}, which results cannot tell from another; give {PLAIN}")
    if (value.__module__ or "").partition(".")[0] == __package__:
        return value.__qualname__
    name = f"{value.__module__}.{value.__qualname__}"
    if "<" not in name or not isinstance(value, FunctionType):
        return name
    return f"{name}#{_digest(value)}"


def _digest(function: FunctionType) -> str:
    """Of the code of a function, its defaults and what it closes over."""
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    held += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    parts = [_code(function.__code__), *map(_held, held)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _code(code: CodeType) -> list:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]


def _held(value: Any) -> Any:
    """What a function holds; tensors by their numbers, for nothing else says what they are."""
    if isinstance(value, Tensor):
        numbers = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        return [str(value.dtype), list(value.shape), hashlib.sha256(numbers).hexdigest()]
    return plain(value)


def _named(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
