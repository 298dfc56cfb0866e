"""The atlas' data: a store's records as one Parquet file and as CSV, with a sheet about them."""

from collections.abc import Mapping
from pathlib import Path

import numpy
import pandas

from reports.text.inert import csv
from reports.text.phrases import listed
from reports.text.rendering import write_whole

COLUMNS = (
    "problem", "estimator", "config", "samples", "replicates", "seed", "status", "reason",
    "claims_unbiased", "variance", "variance_low", "variance_high", "kurtosis", "bias2",
    "bias2_low", "bias2_high", "bias_p", "bias_verdict", "bias_limit", "scale", "direction_bias",
    "direction_verdict", "truth_method", "truth_error", "gradient_norm", "mse", "snr", "cosine",
    "evaluations", "fit_evaluations", "heavy_tailed", "unhealthy", "zero", "problem_version",
    "budget", "precision", "device", "dtype", "commit", "dirty", "time", "cpu", "python", "torch",
    "numpy", "gradmeter",
)  # fmt: skip
PARQUET, CELLS, REFUSALS, SHEET = "atlas.parquet", "cells.csv", "refusals.csv", "datasheet.md"
DIGITS = 6  # of numbers in the CSV; the Parquet file has them all


def tabulate(frame: pandas.DataFrame, claims: Mapping[str, bool]) -> pandas.DataFrame:
    """The columns that are published, a row a cell, in the order of problem and estimator.

    - `frame`: as `reports.load` returns it.
    - `claims`: whether each estimator claims to be unbiased, by name.
    """
    frame = frame.assign(claims_unbiased=frame["estimator"].map(claims).astype("boolean"))
    kept = frame[[*COLUMNS, "variance_jackknife"]].copy()
    kept["problem_version"] = kept["problem_version"].astype("string")
    return kept.sort_values(["problem", "samples", "estimator", "config"], ignore_index=True)


def write(table: pandas.DataFrame, folder: Path) -> list[Path]:
    """Write atlas.parquet, cells.csv, refusals.csv and datasheet.md; their paths.

    Needs pyarrow for the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packed = table.assign(
        variance_jackknife=[
            numpy.asarray(blocks, dtype="float32") if numpy.ndim(blocks) else None
            for blocks in table["variance_jackknife"]
        ],
        time=table["time"].dt.floor("s"),
    )  # fmt: skip
    packed.to_parquet(folder / PARQUET, compression="zstd", index=False)
    plain = table.drop(columns="variance_jackknife")
    measured = plain[plain["status"] != "refused"].drop(columns=["cpu", "python", "numpy"])
    numbers = measured.select_dtypes("float")
    measured = measured.assign(**numbers.map(lambda v: float(f"{v:.{DIGITS}g}")))
    write_whole(folder / CELLS, csv(measured))
    write_whole(folder / REFUSALS, csv(_refusals(plain)))
    write_whole(folder / SHEET, sheet(table))
    return [folder / name for name in (PARQUET, CELLS, REFUSALS, SHEET)]


def read(folder: Path) -> pandas.DataFrame:
    """What `write` wrote, all columns; FileNotFoundError where there is none."""
    return pandas.read_parquet(folder / PARQUET)


def sheet(table: pandas.DataFrame) -> str:
    """The sheet about the data, as Markdown: how made, by which commit, where, under which licence.

    The numbers in it are counted here.
    """
    counts = table["status"].value_counts()
    said = ", ".join(f"{counts.get(status, 0):,} {status}" for status in ("ok", "refused", "error"))
    measured = table[table["status"] == "ok"]
    budgets = measured.groupby("replicates").size().sort_values(ascending=False)
    spent = listed([f"{r:,} in {n:,} cells" for r, n in budgets.items()])
    commits = table.groupby("commit").size()
    made = listed([f"`{commit[:12]}` ({n:,} cells)" for commit, n in commits.items()])
    times = table["time"].dropna()
    about = {
        "What it is": f"{len(table):,} cells (a problem, an estimator, K samples): {said}. "
        f"{table['problem'].nunique()} problems, {table['estimator'].nunique()} estimators.",
        "Made by": f"`gradmeter atlas`, version {listed(_all(table, 'gradmeter'))}, commit {made}.",
        "When": f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}.",
        "Where": f"{listed(_all(table, 'cpu'))}, one thread, Python "
        f"{listed(_all(table, 'python'))}, torch {listed(_all(table, 'torch'))}.",
        "Replicates": f"R = {spent}; K = {listed(_all(measured, 'samples'))}; seed "
        f"{listed(_all(table, 'seed'))}, the same for all estimators.",
        "What is not in it": "Times: nothing was timed, so that the numbers are the same on every "
        "machine to rounding. Stages of a training before its last.",
        "What is compared": "Variance × cost evaluations per estimate, baselines included, what "
        "was spent once on learning (`fit_evaluations`) not. A derivative of the cost counts as "
        "its evaluation.",
        "Columns": "Those of a record ([columns](../columns.md)), and `claims_unbiased`: what the "
        "registry says. `variance_jackknife` is the variance without each block of replicates, "
        "for paired ratios; it is in the Parquet file alone, which also has the refusals.",
        "Licence": "MIT, as the software; cite it by `gradmeter cite`.",
    }
    lines = ["# Data sheet of the atlas", "", "| | |", "|---|---|"]
    lines += [f"| **{name}** | {text} |" for name, text in about.items()]
    lines += ["", f"Files: [{PARQUET}]({PARQUET}), [{CELLS}]({CELLS}), [{REFUSALS}]({REFUSALS})."]
    return "\n".join([*lines, "", _reading()]) + "\n"


def _reading() -> str:
    return (
        "```python\nimport pandas\n\n"
        f'cells = pandas.read_parquet("docs/atlas/{PARQUET}")\n'
        'cells[cells["status"] == "ok"].nsmallest(5, "variance")\n```'
    )


def _all(table: pandas.DataFrame, column: str) -> list[str]:
    return [str(value) for value in sorted(table[column].dropna().unique())]


def _refusals(table: pandas.DataFrame) -> pandas.DataFrame:
    """Each reason once for each estimator, with the problems it was given on."""
    rows = table[table["status"] == "refused"]
    grouped = rows.groupby(["estimator", "reason"], sort=True)["problem"]
    return grouped.agg(lambda names: " ".join(sorted(set(names)))).reset_index()
