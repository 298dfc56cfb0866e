"""Where a problem on the command line comes from: a Python file, or a torch distribution."""

import functools
import importlib
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
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


def problem_from(
    target: str,
    settings: Iterable[str] = (),
    cost: str | None = None,
    constants: Iterable[str] = (),
) -> Problem:
    """The problem that the command line describes.

    - `target`: `FILE.py[:NAME]`, or `MODULE:CLASS` of a distribution, of torch's or of a framework
      that `benchmarks.frameworks` adapts.
    - `settings`: the parameters of that class, each `name=value`; a file takes none.
    - `cost`: a name of `costs.COSTS`; None stands for the file's own.
    - `constants`: arguments of the class that are no parameters, each `name=value`.

    Raises ProblemError with one sentence for whatever is wrong with it.
    """
    place, _, name = target.partition(":")
    if place.endswith(".py"):
        return _from_file(Path(place), name)
    given, fixed = (dict(map(_setting, each)) for each in (settings, constants))
    return _from_distribution(place, name, given, cost, fixed)


def read_file(path: Path) -> ModuleType:
    """Run a user's Python file as a module; ProblemError if it is missing or does not import."""
    if not path.is_file():
        raise ProblemError(f"There is no file {str(path)!r}; give the path of a Python file.")
    spec = importlib.util.spec_from_file_location(f"gradmeter_user_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as failure:
        raise ProblemError(
            f"{path} does not import: {type(failure).__name__}: {str(failure).rstrip('.')}. "
            f"Run `python {path}` to see where, or gradmeter with --debug."
        ) from failure
    return module


def installed_plugins() -> list[str]:
    """Load what installed packages contribute; a sentence for each that cannot be loaded.

    A package names a module that registers estimators, families or problems under the entry point
    group "gradmeter".
    """
    failures = []
    for point in metadata.entry_points(group="gradmeter"):
        try:
            point.load()
        except Exception as failure:  # somebody else's package must not stop this one
            failures.append(f"plugin {point.name!r} failed: {type(failure).__name__}: {failure}")
    return failures


def _from_file(path: Path, name: str) -> Problem:
    found = {k: v for k, v in vars(read_file(path)).items() if isinstance(v, Problem)}
    if name:
        if name not in found:
            raise ProblemError(f"{path}: {unknown('Problem', name, found)}")
        return found[name]
    if len(found) != 1:
        have = "holds no Problem" if not found else f"holds {len(found)}: {', '.join(found)}"
        way = "assign one to a variable" if not found else f"say which, as in {path}:{min(found)}"
        raise ProblemError(f"{path} {have}; {way}.")
    return next(iter(found.values()))


def _from_distribution(
    place: str, name: str, values: dict, cost: str | None, fixed: dict
) -> Problem:
    if not name:
        raise ProblemError(
            f"{place!r} is neither a Python file nor MODULE:CLASS; write for example "
            "torch.distributions:Gamma concentration=2 rate=1 --cost quadratic."
        )
    try:
        module = _imported(place)
    except ImportError as failure:
        raise ProblemError(
            f"The module {place!r} cannot be imported: {str(failure).rstrip('.')}"
            f"{install_hint(failure.name or place)}."
        ) from failure
    found = getattr(module, name, None)
    family = _family(found, values, fixed)
    if family is None:
        known = [k for k, v in vars(module).items() if isinstance(v, type) or adaptable(v)]
        raise ProblemError(unknown("distribution", name, sorted(known)))
    if cost not in COSTS:
        asked = "" if cost is None else f" {unknown('cost', cost, COSTS)}"
        raise ProblemError(f"Which cost? Add --cost {' | '.join(COSTS)}.{asked}")
    parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
    prefix = {"": "", "tensorflow_probability": "tfp-"}
    whose = framework_of(found) or ""
    label = f"{prefix.get(whose, f'{whose}-')}{name}-{cost}"
    return Problem(label.lower(), parameters, family, COSTS[cost]())


def _imported(place: str) -> ModuleType:
    """A module; what a framework warns of while it is imported is its own business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(place)


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
