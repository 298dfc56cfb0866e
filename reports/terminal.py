"""What the command shows: progress on stderr, tables on stdout."""

import sys
import time

import pandas
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from reports import formats
from reports.load import complete
from reports.tables import ranking, refusals

PLAIN_SECONDS = 10  # between lines where there is no terminal


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
                TextColumn("{task.description}"),
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

    def starting(self, problem: str, samples: int, estimator: str) -> None:
        """Show the cell in hand."""
        self.cell = f"{problem} · {estimator} · K={samples}"
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


def print_ranking(rows: list[dict]) -> None:
    """Each problem's estimators by variance, then who refused and who failed, on stdout."""
    frame = complete(pandas.DataFrame(rows))
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    ranked = ranking(frame)
    for problem, part in ranked.groupby("problem", sort=False):
        console.print(_ranking_table(problem, part))
    refused = refusals(frame)
    if not refused.empty and frame["problem"].nunique() == 1:
        for _, row in refused.iterrows():
            console.print(f"[dim]{row['label']}: {row['reason']}[/dim]", markup=True)
    for _, row in frame[frame["status"] == "error"].iterrows():
        console.print(
            f"failed: {row['problem']} · {row['estimator']}: {row['reason']}", markup=False
        )


def _ranking_table(problem: str, part: pandas.DataFrame) -> Table:
    table = Table(title=problem, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("estimator", "K", "variance [95 %]", "bias", "seconds", "variance × s [95 %]"):
        table.add_column(name, justify="left" if name in ("estimator", "bias") else "right")
    for _, row in part.iterrows():
        table.add_row(
            row["label"],
            str(row["samples"]),
            formats.interval(row["variance"], row["variance_low"], row["variance_high"]),
            _bias(row),
            formats.seconds(row["seconds"]),
            formats.interval(
                row["work_variance"], row["work_variance_low"], row["work_variance_high"]
            ),
        )
    return table


def _bias(row: pandas.Series) -> str:
    if row["bias_verdict"] == "unbiased":
        return f"below {formats.percent(row['bias_limit'])}"
    return str(row["bias_verdict"])


def print_rows(rows: list[dict], title: str) -> None:
    """A plain table of dictionaries with the same keys."""
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    table = Table(title=title, box=None, title_justify="left", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    console.print(table)


def _shown(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )
