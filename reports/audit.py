"""An audit of a post-training loss as a table, on a terminal, in Markdown or in a file."""

from pathlib import Path

import pandas
from rich.table import Table

from reports.terminal import console_of, shown
from reports.text.inert import csv

FORMATS = (".csv", ".parquet")
SHOWN = ("scale", "direction_bias", "variance", "variance_scaled")


def check_format(path: Path) -> None:
    """Raise ValueError for a file that an audit cannot be written to."""
    if path.suffix not in FORMATS:
        raise ValueError(f"An audit is written to {' or '.join(FORMATS)}, not to {path}.")


def write(frame: pandas.DataFrame, path: Path) -> str:
    """Write every column; what was written, for the user."""
    if path.suffix == ".csv":
        path.write_text(csv(frame))
    else:
        frame.to_parquet(path)
    return f"wrote {path}"


def print_audit(frame: pandas.DataFrame) -> None:
    """The table on stdout, a row a term, then what each row means."""
    if set(frame["term"]) == {"policy", "total"}:
        frame = frame[frame["term"] == "policy"]  # all there is
    frame, console = shown(frame), console_of(160)
    first = frame.iloc[0]
    how = "all" if first["method"] == "exact" else "samples of"
    title = f"{first['loss']} on {first['policy']}, groups of {first['group']}: {how} "
    table = Table(title=f"{title}{first['replicates']:,} batches", title_justify="left")
    split = frame["micro_batches"].nunique() > 1 or frame["padding"].nunique() > 1
    around = ["micro_batches", "padding"] if split else []
    for name in ("term", *around, *SHOWN, "cosine", "verdict", *(["change"] if split else [])):
        table.add_column(name.replace("_", " "))
    for _, row in frame.iterrows():
        cells = [row["term"], *(str(row[name]) for name in around)]
        cells += [interval(row, name) for name in SHOWN]
        cells += [number(row["cosine"]), row["verdict"]]
        table.add_row(*cells, *([number(row["change"])] if split else []))
    console.print(table)
    for _, row in frame.drop_duplicates(["term", "meaning"]).iterrows():
        console.print(f"{row['term']}: {row['meaning']}", soft_wrap=True)
    if first["note"]:
        console.print(f"({first['note']})", soft_wrap=True)


def interval(row: pandas.Series, name: str) -> str:
    """A value, with the ends of its 95 % interval where it was sampled."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if row["method"] == "exact" or pandas.isna(value):
        return number(value)
    return f"{number(value)} [{number(low)}, {number(high)}]"


def number(value: float) -> str:
    """Three digits; what is below the rounding of exact sums is 0."""
    if pandas.isna(value):
        return "–"
    return "0" if abs(value) < 1e-12 else f"{value:.3g}"
