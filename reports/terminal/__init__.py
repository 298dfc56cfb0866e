"""What the command shows: progress on stderr, tables on stdout.

Each file is imported when a name of its is asked for: a list needs no pandas.
"""

import importlib

_HOMES = {
    "Progress": "progress",
    "console_of": "tables",
    "print_comparison": "rankings",
    "print_matrix": "tables",
    "print_outcome": "trainings",
    "print_ranking": "rankings",
    "print_regimes": "trainings",
    "print_rows": "tables",
    "print_trajectories": "trainings",
    "shown": "reasons",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import what is asked for, and pandas with it, only when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
