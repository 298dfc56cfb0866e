"""What the command shows: progress on stderr, tables on stdout."""

import math
import sys
import time
from pathlib import Path

import pandas
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from benchmarks.store.inert_text import one_line, visible
from reports.frames.load import complete
from reports.frames.mean_agreement import with_disagreements
from reports.frames.rankings import cautions, errors, ranking, refusals
from reports.frames.recommendation import by_work, recommend
from reports.frames.text_tables import Table as Sheet
from reports.frames.text_tables import direction
from reports.pages import regimes, training, trajectories
from reports.text import numbers

FEW = 3  # problems whose whole ranking is printed
RACED = ("worse", "biased", "seconds")  # what ends an estimator in a race before the others
PLAIN_SECONDS = 10  # between lines where there is no terminal


def console_of(width: int) -> Console:
    """Stdout, so wide where it is no terminal; brackets and colons in a text are what they are."""
    wide = None if sys.stdout.isatty() else width
    return Console(width=wide, highlight=False, markup=False, emoji=False)


def shown(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` with its texts as a terminal may show them."""
    texts = frame.select_dtypes(include=["object", "string"]).columns
    return frame.assign(**{name: frame[name].map(_text) for name in texts})


def _text(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


class Progress:
    """The cell in hand and the time left: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, total: int):
        self.total, self.done, self.failed = total, 0, 0
        self.started = self.spoken = time.monotonic()
        self.cell = ""
        console = Console(file=sys.stderr)
        self.bar = None
        if console.is_terminal:
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}", markup=False),
            )
            self.bar = Bar(*columns, console=console, transient=True)
            self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> "Progress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_) -> None:
        if self.bar:
            self.bar.stop()

    def starting(self, cell: str) -> None:
        """Show the cell in hand."""
        self.cell = one_line(cell)
        if self.bar:
            self.bar.update(self.task, description=self.cell)

    def finished(self, status: str) -> None:
        """Count a finished cell."""
        self.done += 1
        self.failed += status == "error"
        if self.bar:
            self.bar.update(self.task, completed=self.done)
        elif time.monotonic() - self.spoken > PLAIN_SECONDS:
            self.spoken = time.monotonic()
            left = (self.spoken - self.started) / self.done * (self.total - self.done)
            print(f"{self.done}/{self.total}, {left:.0f} s left: {self.cell}", file=sys.stderr)


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
        _print_reasons(console, refusals(frame))
    _print_cautions(console, frame)
    _print_failures(console, frame)


def print_comparison(rows: list[dict]) -> None:
    """One problem: everybody at equal time, who was refused and why, and what to use."""
    frame = shown(complete(pandas.DataFrame(rows)))
    console = console_of(140)
    measured = by_work(frame)
    if not measured.empty:
        console.print(_ranking_table(str(frame["problem"].iloc[0]), measured))
    for reasons in (refusals(frame), errors(frame)):
        _print_reasons(console, reasons)
    _print_cautions(console, frame[~frame["stopped"].eq("worse").fillna(False)])
    if not measured.empty:
        console.print(recommend(frame), markup=False, style="bold")


def print_trajectories(rows: list[dict]) -> None:
    """Each training: variance and signal-to-noise ratio of every estimator, step by step."""
    frame = shown(complete(pandas.DataFrame(rows)))
    console = console_of(160)
    found = trajectories.along(frame)
    for title, sheet in trajectories.tables(found):
        console.print(_sheet(title, sheet))
    _print_reasons(console, refusals(frame))
    _print_failures(console, frame)


def print_outcome(frame: pandas.DataFrame) -> None:
    """Trainings: the objective at the end of both budgets, best first, and who could not."""
    frame, console = shown(frame), console_of(160)
    sheet = training.table(frame)
    if sheet.rows:
        begun = numbers.number(training.start(frame), 4)
        title = f"{frame['problem'].iloc[0]}: the objective, which starts at {begun}"
        console.print(_sheet(title, sheet))
    for reason, names in training.refused(frame).items():
        console.print(f"{', '.join(names)}: {reason}", style="dim", markup=False)


def print_regimes(rows: list[dict]) -> None:
    """A sweep: the winner at every point, who ties with it, and the next by how much."""
    frame = shown(pandas.DataFrame(rows))
    won = regimes.winners(frame)
    print_rows(
        regimes.printable(won).fillna("").to_dict("records"), "who wins where, at equal time"
    )


def _print_reasons(console: Console, reasons: pandas.DataFrame) -> None:
    """Each reason once, after the names of all who gave it."""
    for reason, part in reasons.groupby("reason", sort=False):
        names = ", ".join(dict.fromkeys(part["label"]))
        console.print(f"{names}: {reason}", style="dim", markup=False)


def _print_cautions(console: Console, frame: pandas.DataFrame) -> None:
    """What to beware of in what was measured: each caution once, after all whom it is about."""
    several = frame["problem"].nunique() > 1
    for (problem, reason), part in cautions(frame).groupby(["problem", "reason"], sort=False):
        names = ", ".join(dict.fromkeys(part["label"]))
        where = f"{problem}, {names}" if several else names
        console.print(f"beware of {where}: {reason}", markup=False)


def _print_failures(console: Console, frame: pandas.DataFrame) -> None:
    for _, row in frame[frame["status"] == "error"].iterrows():
        cell = f"{row['problem']} · {row['estimator']} · K={row['samples']}"
        console.print(f"failed: {cell}: {row['reason']}", markup=False)


def _sheet(title: str, sheet: Sheet) -> Table:
    table = Table(
        title=one_line(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for place, name in enumerate(sheet.titles):
        table.add_column(name, justify="left" if place < sheet.words else "right")
    for line in sheet.rows:
        table.add_row(*line)
    return table


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


def print_matrix(matrix: dict[str, dict[str, str | None]]) -> None:
    """For each family, the estimators that work on it and how many refuse."""
    rows = []
    for family, cells in matrix.items():
        works = [name for name, reason in cells.items() if reason is None]
        rows.append(
            {"family": family, "works": ", ".join(works), "refused": len(cells) - len(works)}
        )
    print_rows(rows, "estimators by family")


def print_rows(rows: list[dict], title: str) -> None:
    """A plain table of dictionaries with the same keys."""
    console = console_of(160)
    title = one_line(title)
    table = Table(title=title, box=None, title_justify="left", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(visible(_shown(value)) for value in row.values()))
    console.print(table)


def _shown(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )
