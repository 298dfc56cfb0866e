"""Where a problem on the command line comes from: a file, a distribution, or a registered name."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import ModuleType

from benchmarks.objective.content import WITH, digest, is_a_users
from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.objective.distribution_targets import from_distribution, imported
from estimators import unknown


def problem_from(
    target: str,
    settings: Iterable[str] = (),
    cost: str | None = None,
    constants: Iterable[str] = (),
    registered: Mapping[str, Callable[[], Problem]] | None = None,
) -> Problem:
    """The problem that the command line describes.

    - `target`: `FILE.py[:NAME]` of a Problem, `MODULE:CLASS` or `FILE.py:CLASS` of a distribution,
      of torch's or of a framework that `benchmarks.frameworks` adapts, `MODULE:NAME` of a Problem,
      or a registered name;
      parameters and cost may stand behind it, as in
      "torch.distributions:Gamma concentration=2 rate=1 cost=quadratic".
    - `settings`: the parameters of a class, each `name=value`; nothing else takes any.
    - `cost`: a name of `costs.COSTS`, for a class alone.
    - `constants`: arguments of the class that are no parameters, each `name=value`.
    - `registered`: what makes the problems that have a name.

    Raises ProblemError with one sentence for whatever is wrong with it.
    """
    target, settings, cost = _apart(target, settings, cost)
    fixed = list(constants)
    place, _, name = target.partition(":")
    known = registered or {}
    if place.endswith(".py"):
        if name and (settings or fixed or cost):
            module, same = read_file(Path(place)), f"{place}:{name}"
            return _from_module(module, same, name, settings, cost, fixed)
        _takes_none(target, [*settings, *fixed], cost)
        return _from_file(Path(place), name)
    if target in known:
        _takes_none(target, [*settings, *fixed], cost)
        return known[target]()
    if not name:
        raise ProblemError(no_problem(target, known))
    return _from_module(imported(place), target, name, settings, cost, fixed)


def no_problem(target: str, known: Iterable[str]) -> str:
    """The sentence about a `target` that is nothing, where `known` are the registered names."""
    return (
        f"{unknown('problem', target, known)} A Python file with a Problem is a target too, and so "
        "is MODULE:CLASS, such as torch.distributions:Gamma concentration=2 rate=1 --cost "
        "quadratic."
    )


def is_place(target: str) -> bool:
    """Whether a target says where a problem stands, and is no registered name or pattern."""
    return ":" in target or ".py" in target


def absolute(target: str) -> str:
    """The same target from any folder: a file by its whole path."""
    place, colon, name = target.partition(":")
    return f"{Path(place).resolve()}{colon}{name}" if place.endswith(".py") else target


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
    module = read_file(path)
    found = {k: v for k, v in vars(module).items() if isinstance(v, Problem)}
    if name:
        if name not in found:
            raise ProblemError(f"{path}: {unknown('Problem', name, found)}")
        return _of_file(found[name], module)
    if len(found) != 1:
        have = "holds no Problem" if not found else f"holds {len(found)}: {', '.join(found)}"
        way = "assign one to a variable" if not found else f"say which, as in {path}:{min(found)}"
        raise ProblemError(f"{path} {have}; {way}.")
    return _of_file(next(iter(found.values())), module)


def _of_file(problem: Problem, module: ModuleType) -> Problem:
    """A problem whose results do not mix with those of the file as it stood before an edit."""
    if problem.version != 1:
        return problem
    text = hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()[:12]
    return _versioned(replace(problem, version=f"file {text}"), module)


def _versioned(problem: Problem, module: ModuleType) -> Problem:
    """The same of a user's module, what it imports, and the weights and data that it reads.

    The version that was there has to agree where two revisions are compared, the rest has not.
    """
    if not is_a_users(module):
        return problem
    return replace(problem, version=f"{problem.version}{WITH}{digest(problem, module)}")


def _apart(
    target: str, settings: Iterable[str], cost: str | None
) -> tuple[str, list[str], str | None]:
    """A target without the parameters and the cost behind it, and these."""
    place, dot, rest = target.partition(".py")  # a path may have spaces
    head, *behind = f"{dot}{rest}".split() if dot else target.split() or [""]
    first = f"{place}{head}" if dot else head
    costs = [word.partition("=")[2] for word in behind if word.startswith("cost=")]
    rest = [word for word in behind if not word.startswith("cost=")]
    return first, [*rest, *settings], cost or (costs[-1] if costs else None)


def _takes_none(target: str, settings: Sequence[str], cost: str | None) -> None:
    given = [*settings, *([f"--cost {cost}"] if cost else [])]
    if given:
        raise ProblemError(
            f"{target!r} is a problem with parameters and a cost of its own; leave out "
            f"{', '.join(given)}."
        )


def _from_module(
    module: ModuleType,
    target: str,
    name: str,
    settings: Sequence[str],
    cost: str | None,
    constants: Sequence[str],
) -> Problem:
    found = getattr(module, name, None)
    if isinstance(found, Problem):
        _takes_none(target, [*settings, *constants], cost)
        return _versioned(found, module) if found.version == 1 else found
    return _versioned(from_distribution(module, name, settings, cost, constants), module)
