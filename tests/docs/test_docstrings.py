"""Public functions with several arguments name each one, in backticks, in the docstring."""

import importlib
import inspect
import re
from types import ModuleType

import pytest

PUBLIC = [
    "estimators",
    "estimators.baselines",
    "estimators.capabilities",
    "estimators.distributions",
    "estimators.multi_sample",
    "benchmarks",
    "benchmarks.problems",
    "benchmarks.sequences",
    "benchmarks.objective.costs",
    "benchmarks.objective.definition",
    "benchmarks.objective.loading",
    "benchmarks.objective.parameter_grids",
    "benchmarks.objective.truth",
    "benchmarks.statistics.intervals",
    "benchmarks.statistics.moments",
    "benchmarks.statistics.paired_tests",
    "benchmarks.statistics.random_projections",
    "benchmarks.statistics.stopping",
    "benchmarks.statistics.tail_index",
    "benchmarks.store.atomic_files",
    "benchmarks.store.maintenance",
    "benchmarks.store.record_lines",
    "benchmarks.store.store",
    "benchmarks.store.verify",
    "reports",
    "reports.frames.commit_series",
    "reports.frames.load",
    "reports.frames.rankings",
    "reports.frames.summary",
    "reports.frames.ranking_tables",
    "reports.frames.text_tables",
]
OURS = ("estimators", "benchmarks", "reports")
COLUMNS = {"Measurement", "Record", "Context"}  # their fields are explained in store/schema.py
INHERITED = {"self", "cls", "args", "kwargs", "validate_args", "_instance"}  # as torch has them


def public(module: ModuleType):
    """The functions, classes and methods that a module hands out, by name."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) and issubclass(value, BaseException):
            continue
        if inspect.isclass(value) and value.__module__.partition(".")[0] in OURS:
            yield name, value
            for method, function in vars(value).items():
                function = getattr(function, "__func__", function)
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function
        elif inspect.isroutine(value) or hasattr(value, "registry"):
            yield name, value


def unnamed(function) -> list[str]:
    """The arguments that its docstring does not name; one argument alone needs no name."""
    arguments = [name for name in inspect.signature(function).parameters if name not in INHERITED]
    doc = function.__doc__ or ""
    named = {name for code in re.findall(r"`([^`]+)`", doc) for name in re.findall(r"\w+", code)}
    return [name for name in arguments if name not in named] if len(arguments) > 1 else []


@pytest.mark.parametrize("name", PUBLIC)
def test_every_argument_is_named(name):
    missing = {
        place: arguments
        for place, function in public(importlib.import_module(name))
        if place not in COLUMNS and (arguments := unnamed(function))
    }
    assert not missing


def test_an_argument_that_is_not_named_is_found():
    def function(given, other):
        """Of `given` and something else; `otherwise`."""

    assert unnamed(function) == ["other"]
