"""Policies over token sequences, post-training losses, and what those losses really estimate."""

import importlib

_HOMES = {
    "Batch": "benchmarks.sequences.batch",
    "Policy": "benchmarks.sequences.policy",
    "PolicyError": "benchmarks.sequences.policy",
    "audit": "benchmarks.sequences.auditing",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import what is asked for only when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
