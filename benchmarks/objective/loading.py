"""Where a problem on the command line comes from: a Python file, or a torch distribution."""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType

import torch
from torch.distributions import Distribution

from benchmarks.objective.costs import COSTS
from benchmarks.objective.definition import Problem, ProblemError
from estimators import capabilities, unknown


def problem_from(target: str, settings: Iterable[str] = (), cost: str | None = None) -> Problem:
    """The problem that the command line describes.

    - `target`: `FILE.py[:NAME]`, or `MODULE:CLASS` of a distribution.
    - `settings`: the parameters of that class, each `name=value`; a file takes none.
    - `cost`: a name of `costs.COSTS`; None stands for the file's own.

    Raises ProblemError with one sentence for whatever is wrong with it.
    """
    place, _, name = target.partition(":")
    if place.endswith(".py"):
        return _from_file(Path(place), name)
    return _from_distribution(place, name, dict(_setting(s) for s in settings), cost)


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


def _from_distribution(place: str, name: str, values: dict, cost: str | None) -> Problem:
    if not name:
        raise ProblemError(
            f"{place!r} is neither a Python file nor MODULE:CLASS; write for example "
            "torch.distributions:Gamma concentration=2 rate=1 --cost quadratic."
        )
    try:
        module = importlib.import_module(place)
    except ImportError as failure:
        raise ProblemError(f"The module {place!r} cannot be imported: {failure}.") from failure
    family = getattr(module, name, None)
    if not (isinstance(family, type) and _is_family(family)):
        known = [k for k, v in vars(module).items() if isinstance(v, type)]
        raise ProblemError(unknown("distribution", name, sorted(known)))
    if cost not in COSTS:
        asked = "" if cost is None else f" {unknown('cost', cost, COSTS)}"
        raise ProblemError(f"Which cost? Add --cost {' | '.join(COSTS)}.{asked}")
    parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
    return Problem(f"{name}-{cost}".lower(), parameters, family, COSTS[cost]())


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
