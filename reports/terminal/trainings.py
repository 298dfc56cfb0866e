"""Trainings and sweeps on stdout: variance along one, its outcome, who wins where."""

import pandas
from rich.table import Table

from benchmarks.store.inert_text import one_line
from reports.frames.load import complete
from reports.frames.rankings import refusals
from reports.frames.text_tables import Table as Sheet
from reports.pages import regimes, training, trajectories
from reports.terminal.reasons import print_failures, print_reasons, shown
from reports.terminal.tables import console_of, print_rows
from reports.text import numbers


def print_trajectories(rows: list[dict]) -> None:
    """Each training: variance and signal-to-noise ratio of every estimator, step by step."""
    frame = shown(complete(pandas.DataFrame(rows)))
    console = console_of(160)
    found = trajectories.along(frame)
    for title, sheet in trajectories.tables(found):
        console.print(_sheet(title, sheet))
    print_reasons(console, refusals(frame))
    print_failures(console, frame)


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


def _sheet(title: str, sheet: Sheet) -> Table:
    table = Table(
        title=one_line(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for place, name in enumerate(sheet.titles):
        table.add_column(name, justify="left" if place < sheet.words else "right")
    for line in sheet.rows:
        table.add_row(*line)
    return table
