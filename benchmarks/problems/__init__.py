"""The problems of the suite, by name. Importing this package reads every module in it."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from benchmarks.objective.definition import Problem
from benchmarks.objective.loading import problem_from
from estimators.core import origin_of


@dataclass(frozen=True)
class Entry:
    """A registered problem: `build` makes it; the other fields are the arguments of `register`.

    `quick` and `full` say which suites have it, `replicates` the R they spend on it, `also` and
    `narrow` which estimators they measure on it.
    """

    build: Callable[[], Problem]
    quick: bool = False
    replicates: int = 10_000
    also: tuple[str, ...] = ()  # estimators with fields, such as "gumbel-softmax:temperature=0.1"
    narrow: bool = False  # a model that takes long: of the shelf, suites measure the quick part
    full: bool = True  # stages before the last of a training are in no suite, but in trajectories


_registry: dict[str, Entry] = {}
_origins: dict[str, tuple[str, str]] = {}  # the function that builds a problem, and its file


def register(
    name: str,
    quick: bool = False,
    replicates: int = 10_000,
    also: tuple[str, ...] = (),
    narrow: bool = False,
    full: bool = True,
) -> Callable[[Callable], Callable]:
    """Decorator that adds a problem, built by a function without arguments.

    - `name`: kebab-case, as on the command line and in results.
    - `quick`: whether it is in the quick suite too.
    - `replicates`: R that suites spend on each of its cells.
    - `also`: estimators with fields that suites add, such as "gumbel-softmax:temperature=0.1".
    - `narrow`: whether suites measure only the quick estimators on it, as on a model that takes
      long.
    - `full`: whether it is in the full suite; stages before the last of a training are in none.

    A file that is run again replaces its own problems. Raises ValueError if the name is taken by a
    function of another file, or by another one of the same.
    """

    def add(build: Callable[[], Problem]) -> Callable[[], Problem]:
        if build.__module__.partition(".")[0] != "benchmarks":
            _read_all()  # so that no name of the suite is free because it was not read yet
        place = build.__qualname__, origin_of(build)
        holder = _origins.get(name, place) if name in _registry else place
        if holder != place:
            taken = "{} of {}".format(*holder)
            raise ValueError(f"The name {name!r} is taken by {taken}; choose another.")
        _origins[name] = place
        _registry[name] = Entry(build, quick, replicates, also, narrow, full)
        _registered.cache_clear()
        return build

    return add


def names(suite: str = "all") -> list[str]:
    """The problems of a suite, "quick" or "full", or "all", in the order of registration."""
    _read_all()
    wanted = {"quick": lambda e: e.quick, "full": lambda e: e.full, "all": lambda e: True}[suite]
    return [name for name, entry in _registry.items() if wanted(entry)]


def replicates(name: str) -> int:
    """The replicates that a suite spends on a problem unless told otherwise."""
    return _registry[name].replicates if name in _registry else Entry.replicates


def also(name: str) -> tuple[str, ...]:
    """The estimators that a suite measures on this problem beside the others."""
    return _registry[name].also


def is_narrow(name: str) -> bool:
    """Whether suites measure only the quick part of the shelf on this problem."""
    return _registry[name].narrow


def entry(name: str) -> Entry | None:
    """What is registered as `name`, or None: the same until somebody registers it anew."""
    _read_all()
    return _registry.get(name)


def load(
    target: str,
    settings: Iterable[str] = (),
    cost: str | None = None,
    constants: Iterable[str] = (),
) -> Problem:
    """The problem registered under a name, or of any target of `objective.loading.problem_from`.

    `target` is a name or a place; `settings`, `cost` and `constants` are those of a distribution.
    ProblemError, a ValueError, for a target that is nothing.
    """
    _read_all()
    if not settings and not cost and not constants and target in _registry:
        return _registered(target)
    makers = {name: entry.build for name, entry in _registry.items()}
    return problem_from(target, settings, cost, constants, makers)


@cache
def _registered(name: str) -> Problem:
    return _registry[name].build()


@cache
def _read_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
