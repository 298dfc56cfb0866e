"""Measure stochastic gradient estimators: problems, truths, measuring, comparing, the results."""

import importlib

_HOMES = {
    "Measurement": "benchmarks.measuring.measurement",
    "Problem": "benchmarks.objective.definition",
    "ProblemError": "benchmarks.objective.definition",
    "Program": "benchmarks.objective.program",
    "Truth": "benchmarks.objective.truth",
    "compare": "benchmarks.measuring.compare",
    "jax_cost": "benchmarks.frameworks.foreign_costs",
    "jax_family": "benchmarks.frameworks.jax_families",
    "measure": "benchmarks.measuring.measure",
    "ratio": "benchmarks.measuring.measurement",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import what is asked for, and torch with it, only when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
