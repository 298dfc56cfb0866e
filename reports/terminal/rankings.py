"""Rankings of estimators on stdout: each problem's, the winners of many, one at equal time."""

import math
from pathlib import Path

import pandas
from rich.table import Table

from benchmarks.store.inert_text import one_line
from reports.frames.load import complete
from reports.frames.mean_agreement import with_disagreements
from reports.frames.ranking_tables import direction
from reports.frames.rankings import errors, ranking, refusals
from reports.frames.recommendation import by_work, recommend
from reports.terminal.reasons import print_cautions, print_failures, print_reasons, shown
from reports.terminal.tables import console_of
from reports.text import numbers

FEW = 3  # problems whose whole ranking is printed
RACED = ("worse", "biased", "seconds")  # what ends an estimator in a race before the others


def print_ranking(rows: list[dict], folder: Path | None = None) -> None:
    """The ranking of each problem's estimators on stdout, then who refused and who failed.

    `folder` is that of the store, whose means are held against each other where there is no truth.
    """
    frame = shown(complete(pandas.DataFrame(rows)))
    frame = with_disagreements(frame, folder) if folder else frame
    console = console_of(140)
    ranked = ranking(frame)
    if frame["problem"].nunique() > FEW:
        console.print(_winners_table(ranked))
    else:
        for problem, part in ranked.groupby("problem", sort=False):
            console.print(_ranking_table(problem, part))
        print_reasons(console, refusals(frame))
    print_cautions(console, frame)
    print_failures(console, frame)


def print_comparison(rows: list[dict]) -> None:
    """One problem: everybody at equal time, who was refused and why, and what to use."""
    frame = shown(complete(pandas.DataFrame(rows)))
    console = console_of(140)
    measured = by_work(frame)
    if not measured.empty:
        console.print(_ranking_table(str(frame["problem"].iloc[0]), measured))
    for reasons in (refusals(frame), errors(frame)):
        print_reasons(console, reasons)
    print_cautions(console, frame[~frame["stopped"].eq("worse").fillna(False)])
    if not measured.empty:
        console.print(recommend(frame), markup=False, style="bold")


def _winners_table(ranked: pandas.DataFrame) -> Table:
    """One line a problem and K: who is quietest, by how much, and who is best at equal time."""
    table = Table(box=None, pad_edge=False)
    for name in (
        "problem",
        "K",
        "quietest",
        "variance [95 %]",
        "next",
        "× [95 %]",
        "at equal time",
    ):
        table.add_column(name, justify="right" if name in ("K", "× [95 %]") else "left")
    fair = ranked[ranked["eligible"]]
    for (problem, samples), part in fair.groupby(["problem", "samples"], sort=False):
        best, rest = part.iloc[0], part.iloc[1:]
        apart = rest[~rest["tied"]].head(1)
        tied = [*rest.loc[rest["tied"], "label"]]
        table.add_row(
            problem,
            str(samples),
            " = ".join([best["label"], *tied]),
            numbers.interval(best["variance"], best["variance_low"], best["variance_high"]),
            *next(
                (
                    (
                        row["label"],
                        numbers.interval(
                            row["relative"], row["relative_low"], row["relative_high"]
                        ),
                    )
                    for _, row in apart.iterrows()
                ),
                ("", ""),
            ),
            _cheapest(part),
        )
    return table


def _cheapest(part: pandas.DataFrame) -> str:
    """Who has the least variance × seconds; a dash if nobody was timed."""
    timed = part.dropna(subset="work_variance")
    return "–" if timed.empty else timed.loc[timed["work_variance"].idxmin(), "label"]


def _ranking_table(problem: str, part: pandas.DataFrame) -> Table:
    table = Table(
        title=one_line(problem), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    ways = [direction(row) for _, row in part.iterrows()]
    told = bool({*ways} - {numbers.NOTHING})
    raced = bool(part["stopped"].isin(RACED).any())
    words = ["bias", *["direction"] * told]
    batches = ["of the batch"] * bool(part["data_variance"].notna().any())
    first = ("estimator", "K", "variance [95 %]", *batches, *words)
    last = ["R", "stopped"] * raced
    for name in (*first, "seconds", "variance × s [95 %]", *last):
        left = name in ("estimator", "stopped", *words)
        table.add_column(name, justify="left" if left else "right")
    for (_, row), way in zip(part.iterrows(), ways, strict=True):
        table.add_row(
            row["label"],
            str(row["samples"]),
            numbers.interval(row["variance"], row["variance_low"], row["variance_high"]),
            *[numbers.number(row["data_variance"])] * len(batches),
            _bias(row),
            *[way] * told,
            numbers.seconds(row["seconds"]),
            numbers.interval(
                row["work_variance"], row["work_variance_low"], row["work_variance_high"]
            ),
            *[str(row["replicates"]), _stopped(row)] * raced,
        )
    return table


def _stopped(row: pandas.Series) -> str:
    """Why an estimator of a race did not go on, and by how much it was worse."""
    how = row["stopped"] if isinstance(row["stopped"], str) else ""
    if how == "worse":
        ends = [row[f"stopped_ratio{end}"] for end in ("", "_low", "_high")]
        noisy = "noisy, not exact as" if math.isinf(ends[0]) else f"{numbers.interval(*ends)} ×"
        return f"{noisy} {row['stopped_by']}"
    return {"biased": "biased", "seconds": "out of time"}.get(how, "")


def _bias(row: pandas.Series) -> str:
    if row["bias_verdict"] == "unbiased":
        return f"below {numbers.percent(row['bias_limit'])}"
    return str(row["bias_verdict"])
