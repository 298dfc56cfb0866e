"""Plain tables on stdout. No pandas, so that lists come at once."""

import sys

from rich.console import Console
from rich.table import Table

from benchmarks.store.inert_text import one_line, visible


def console_of(width: int) -> Console:
    """Stdout, so wide where it is no terminal; brackets and colons in a text are what they are."""
    wide = None if sys.stdout.isatty() else width
    return Console(width=wide, highlight=False, markup=False, emoji=False)


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
