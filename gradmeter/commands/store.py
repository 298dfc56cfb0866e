"""`gradmeter store merge | verify | export | prune`"""

import sys
from pathlib import Path

import click

from gradmeter.options import CELLS_FAILED, say, warn_of

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))


@click.group()
def store() -> None:
    """Look after stores of results.

    Example: gradmeter store verify results/
    """


@store.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Path(path_type=Path), help="A new folder.")
def merge(results: tuple[Path, ...], to: Path) -> None:
    """Write the union of several stores to a new one.

    What two stores measured alike stands there once. Cells on which they disagree are not in it:
    each store's records of them are kept in conflicts/1, conflicts/2, … below it, and the exit
    status is 3.

    Example: gradmeter store merge laptop/ cluster/ --to results/
    """
    from benchmarks.store.maintenance import CONFLICTS
    from benchmarks.store.maintenance import merge as merge_stores

    merged = merge_stores(results, to)
    warn_of(merged.damaged)
    say(f"{merged.records:,} records of {len(results)} stores are in {to}.")
    if merged.conflicts:
        say(
            f"{merged.conflicts:,} cells were measured differently in several stores and are not "
            f"among them: see {to / CONFLICTS}/1 and so on, in the order of the stores. To choose "
            f"one: gradmeter store merge {to} {to / CONFLICTS}/1 --to OTHER",
            err=True,
        )
        sys.exit(CELLS_FAILED)


@store.command()
@RESULTS
@click.option("--most", default=20, show_default=True, help="Lines to name.")
def verify(results: Path, most: int) -> None:
    """Look at every line (checksum, schema, fields, values) and every file beside it.

    Exit status 3 if anything is wrong.

    Example: gradmeter store verify results/
    """
    from benchmarks.store.verify import verify as verify_store

    found = verify_store(results)
    for damage in found.wrong[:most]:
        say(f"{damage.path} line {damage.line}: {damage.reason}")
    if len(found.wrong) > most:
        say(f"… and {len(found.wrong) - most:,} more; --most {len(found.wrong)} names all.")
    many = f"{len(found.wrong):,} things are" if len(found.wrong) > 1 else "1 thing is"
    wrong = f"{many} wrong" if found.wrong else "nothing is wrong"
    say(
        f"{results}: {found.records:,} records of {len(found.cells):,} cells, {found.arrays:,} "
        f"files beside them; {wrong}."
    )
    sys.exit(CELLS_FAILED if found.wrong else 0)


@store.command()
@RESULTS
@click.option("--to", required=True, type=click.Path(path_type=Path), metavar="FILE.csv|.parquet")
@click.option("--all", "everything", is_flag=True, help="Also the records that later ones replace.")
def export(results: Path, to: Path, everything: bool) -> None:
    """Write a store as one table for other programs.

    Example: gradmeter store export results/ --to results.parquet
    """
    import reports
    from reports.pages.publish import write
    from reports.text.rendering import check_format

    check_format(to, (".csv", ".parquet"))
    damaged: list = []
    frame = reports.load(results, latest=not everything, damaged=damaged)
    warn_of(damaged)
    say(f"{len(frame):,} records are in {write(frame, to)}.")


@store.command()
@RESULTS
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(results: Path, dry_run: bool) -> None:
    """Keep the latest record of every cell. The file as it was stays beside the new one.

    A history over commits goes with the records that are dropped.

    Example: gradmeter store prune results/ --dry-run
    """
    from benchmarks.store.maintenance import prune as prune_store

    pruned = prune_store(results, dry_run)
    warn_of(pruned.damaged)
    would = "would stay" if dry_run else "stay"
    say(f"{pruned.kept:,} records {would}, {pruned.dropped:,} replaced ones go.")
    if pruned.backup:
        say(f"As it was: {pruned.backup}; delete it when you need it no more.")
