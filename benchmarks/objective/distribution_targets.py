"""A distribution on the command line, of torch's, a framework's or a user's, as a problem."""

import functools
import importlib
import json
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

import torch
from torch.distributions import Distribution

from benchmarks.frameworks.adapted import (
    adaptable,
    adapted,
    check_names,
    framework_of,
    install_hint,
)
from benchmarks.objective.costs import COSTS
from benchmarks.objective.definition import Problem, ProblemError
from estimators import capabilities, unknown

PREFIXES = {"": "", "tensorflow_probability": "tfp-"}  # of a problem's name; else the framework's


def from_distribution(
    module: ModuleType,
    name: str,
    settings: Sequence[str],
    cost: str | None,
    constants: Sequence[str],
) -> Problem:
    """The problem of the class `name` in a `module`; see `loading.problem_from`."""
    found = getattr(module, name, None)
    values, fixed = (dict(map(_setting, each)) for each in (settings, constants))
    family = _family(found, values, fixed)
    if family is None:
        known = [k for k, v in vars(module).items() if isinstance(v, type) or adaptable(v)]
        raise ProblemError(unknown("distribution", name, sorted(known)))
    if cost not in COSTS:
        asked = "" if cost is None else f" {unknown('cost', cost, COSTS)}"
        raise ProblemError(f"Which cost? Add --cost {' | '.join(COSTS)}.{asked}")
    parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
    whose = framework_of(found) or ""
    label = f"{PREFIXES.get(whose, f'{whose}-')}{name}-{cost}".lower()
    version = " ".join(sorted([*settings, *constants]))  # its name says nothing of its parameters
    return Problem(label, parameters, family, COSTS[cost](), version=version or 1)


def imported(place: str) -> ModuleType:
    """A module; what a framework warns of while it is imported is its own business."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(place)
    except ImportError as failure:
        raise ProblemError(
            f"The module {place!r} cannot be imported: {str(failure).rstrip('.')}"
            f"{install_hint(failure.name or place)}."
        ) from failure


def _family(found: object, values: dict, fixed: dict) -> Callable[..., Distribution] | None:
    """What was found in a module as a family, or None if it is none."""
    try:
        family = adapted(found, fixed)
        if family is not None:
            check_names(family, values | fixed)
            return family
    except (ValueError, ImportError) as failure:
        raise ProblemError(str(failure)) from failure
    if not (isinstance(found, type) and _is_family(found)):
        return None
    return functools.partial(found, **fixed) if fixed else found


def _is_family(cls: type) -> bool:
    """Whether it is a Distribution, or brings a piece that the others may follow from."""
    return issubclass(cls, Distribution) or any(hasattr(cls, name) for name in capabilities.PIECES)


def _setting(text: str) -> tuple[str, float | list]:
    name, equals, value = text.partition("=")
    try:
        number = json.loads(value)
        torch.tensor(number, dtype=torch.float64)
    except (ValueError, TypeError, RuntimeError):
        number = None
    if not equals or number is None:
        raise ProblemError(
            f"{text!r} is not a parameter; write NAME=NUMBER or NAME=[NUMBER,NUMBER]."
        )
    return name, number
