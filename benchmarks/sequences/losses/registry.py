"""The names of the losses."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from benchmarks.sequences.losses.core import Loss
from estimators import unknown

_registry: dict[str, type[Loss]] = {}


def register(name: str) -> Callable[[type[Loss]], type[Loss]]:
    """Class decorator that adds a dataclass of a loss under `name`.

    Raises ValueError if another class has the name already.
    """

    def add(cls: type[Loss]) -> type[Loss]:
        holder = _registry.get(name, cls)
        if holder.__qualname__ != cls.__qualname__:
            raise ValueError(f"The loss {name!r} is taken by {holder.__qualname__}.")
        _registry[name] = cls
        return cls

    return add


def names() -> list[str]:
    """The registered names, sorted."""
    return sorted(_registry)


def create(name: str, **fields: Any) -> Loss:
    """The loss registered as `name` with `fields` set; ValueError if there is none."""
    if name not in _registry:
        raise ValueError(unknown("loss", name, names()))
    cls = _registry[name]
    known = {f.name for f in dataclasses.fields(cls)} - {"name"}
    for wrong in sorted(set(fields) - known):
        raise ValueError(
            f"The loss {name} has no setting {wrong!r}; it has: {', '.join(sorted(known))}."
        )
    return cls(**fields, name=name)


def about(name: str) -> dict[str, str]:
    """The summary and the source of a loss, from its docstring."""
    doc = inspect.cleandoc(_registry[name].__doc__ or "")
    source = " ".join(doc.partition("Source: ")[2].split())
    return {"name": name, "summary": doc.partition("\n\n")[0], "source": source}
