"""Result files in, rankings and pages out. Needs pandas, matplotlib and jinja2, never torch.

frame = reports.load("results")     one row per measured cell
reports.rank(frame)                 ordered by variance within problem × samples
reports.publish(frame, "report")    index.html, report.md and the tables as CSV

Nothing is imported before one of them is asked for.
"""

import importlib

_HOMES = {
    "load": ("reports.frames.load", "load"),
    "publish": ("reports.pages.publish", "publish"),
    "rank": ("reports.frames.rankings", "ranking"),
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import what is asked for, and pandas with it, only when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, own = _HOMES[name]
    return getattr(importlib.import_module(home), own)


def __dir__() -> list[str]:
    return __all__
