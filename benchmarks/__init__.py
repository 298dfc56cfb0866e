"""Measure stochastic gradient estimators: problems, truths, measuring, comparing, the results."""

import importlib

_HOMES = {
    "Measurement": "benchmarks.measurement",
    "Problem": "benchmarks.problem",
    "ProblemError": "benchmarks.problem",
    "Program": "benchmarks.program",
    "Truth": "benchmarks.truth",
    "compare": "benchmarks.comparison",
    "measure": "benchmarks.measured",
    "ratio": "benchmarks.measurement",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import what is asked for, and torch with it, only when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
