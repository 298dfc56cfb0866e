"""The command `gradmeter`, and the names handed on to users: the one package that sees every floor.

>>> import gradmeter
>>> frame = gradmeter.compare(gradmeter.Problem(...))

Nothing heavy is imported before it is needed: `gradmeter --help` must answer at once.
"""

import importlib

from gradmeter.command import main

_HANDED_ON = {
    "benchmarks": (
        "Measurement",
        "Problem",
        "ProblemError",
        "Program",
        "compare",
        "measure",
        "ratio",
    ),
    "estimators": ("Estimator", "Unsupported", "create", "names", "register"),
    "reports": ("load", "publish", "rank"),
}
_HOMES = {name: package for package, names in _HANDED_ON.items() for name in names}
__all__ = [*sorted(_HOMES), "main"]


def __getattr__(name: str):
    """The public names of the three packages, imported when asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
