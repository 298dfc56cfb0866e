"""Who refused, who failed, and what to beware of, on stdout."""

import pandas
from rich.console import Console

from benchmarks.store.inert_text import one_line
from reports.frames.rankings import cautions


def shown(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` with its texts as a terminal may show them."""
    texts = frame.select_dtypes(include=["object", "string"]).columns
    return frame.assign(**{name: frame[name].map(_text) for name in texts})


def _text(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def print_reasons(console: Console, reasons: pandas.DataFrame) -> None:
    """Each reason once, after the names of all who gave it."""
    for reason, part in reasons.groupby("reason", sort=False):
        names = ", ".join(dict.fromkeys(part["label"]))
        console.print(f"{names}: {reason}", style="dim", markup=False)


def print_cautions(console: Console, frame: pandas.DataFrame) -> None:
    """What to beware of in what was measured: each caution once, after all whom it is about."""
    several = frame["problem"].nunique() > 1
    for (problem, reason), part in cautions(frame).groupby(["problem", "reason"], sort=False):
        names = ", ".join(dict.fromkeys(part["label"]))
        where = f"{problem}, {names}" if several else names
        console.print(f"beware of {where}: {reason}", markup=False)


def print_failures(console: Console, frame: pandas.DataFrame) -> None:
    """Each cell that failed, with the reason."""
    for _, row in frame[frame["status"] == "error"].iterrows():
        cell = f"{row['problem']} · {row['estimator']} · K={row['samples']}"
        console.print(f"failed: {cell}: {row['reason']}", markup=False)
