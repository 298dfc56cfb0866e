"""`gradmeter atlas`"""

import sys
from pathlib import Path

import click

from gradmeter.options import CELLS_FAILED, INTERRUPTED, say

PARTS = ("suite", "maps", "models")


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS),
              help="Only this; may be repeated.")  # fmt: skip
@click.option("-p", "--problem", "patterns", multiple=True, metavar="PATTERN",
              help="Of it only these problems and points of maps.")  # fmt: skip
@click.option("-R", "--replicates", type=click.IntRange(100), help="In place of the atlas' own R.")
@click.option("--measure/--no-measure", default=True, help="Measure what the store lacks first.")
@click.option("--store", default="results/atlas", show_default=True,
              type=click.Path(path_type=Path))  # fmt: skip
@click.option("--to", default="atlas", show_default=True, type=click.Path(path_type=Path))
def atlas(parts, patterns, replicates, measure: bool, store: Path, to: Path) -> None:
    """Measure the atlas: the suite, maps of who wins where, and write data, maps and their page.

    Nothing is timed: variance at equal cost evaluations is compared, which any machine finds alike.
    What the store has is not measured again, so that the command goes on where it was stopped.

    Example: gradmeter atlas --to docs/atlas

    A small one: gradmeter atlas --part maps -p 'atlas-bits*' -R 500 --to small
    """
    from benchmarks.store.store import Store

    failed = 0
    if measure:
        try:
            failed = _measure(_rows(parts, patterns, replicates), Store(store))
        except KeyboardInterrupt:
            say("\nInterrupted. The same command goes on.", err=True)
            sys.exit(INTERRUPTED)
    for path in _write(store, to):
        say(path)
    sys.exit(CELLS_FAILED if failed else 0)


def _rows(parts: tuple, patterns: tuple, replicates: int | None) -> list:
    """The rows of the selection whose problems a pattern names."""
    from benchmarks.atlas.selection import rows

    found = list(rows(parts or PARTS, replicates))
    for pattern in patterns:
        if not any(_named(pattern, row.name) for row in found):
            raise click.UsageError(
                f"The atlas has no problem {pattern!r} in {', '.join(parts or PARTS)}; "
                "`gradmeter list problems` has those of the suite, docs/atlas the maps'."
            )
    return [
        row for row in found
        if not patterns or any(_named(pattern, row.name) for pattern in patterns)
    ]  # fmt: skip


def _named(pattern: str, name: str) -> bool:
    """Whether a pattern means a name; brackets, as in those of points, stand for themselves."""
    from fnmatch import fnmatchcase

    return fnmatchcase(name.replace("[", "("), pattern.replace("[", "("))


def _measure(rows: list, store) -> int:
    """Measure; the number of cells that failed."""
    from benchmarks.atlas.measuring import measured
    from reports.terminal import Progress

    with Progress(sum(len(row.estimators) for row in rows)) as progress:
        for status in measured(rows, store, progress.starting):
            progress.finished(status)
        return progress.failed


def _write(store: Path, to: Path) -> list[Path]:
    """The data of everything in the store, the maps, and the page about them."""
    import reports
    from benchmarks.atlas.maps import MAPS, TEMPERATURE_PROBLEM
    from estimators import about, names
    from reports.atlas import data, page

    claims = {name: about(name)["unbiased"] for name in names()}
    table = data.tabulate(reports.load(store), claims)
    titles = {each.name: each.title for each in MAPS}
    written = data.write(table, to)
    return [*written, *page.write(data.read(to), to, titles, TEMPERATURE_PROBLEM)]
