"""`gradmeter report`"""

from pathlib import Path

import click


@click.command()
@click.argument("results", default="results", type=click.Path(path_type=Path))
@click.option("--to", default="report", show_default=True, type=click.Path(path_type=Path))
def report(results: Path, to: Path) -> None:
    """Write the report of a store: index.html, report.md and the tables as CSV.

    Example: gradmeter report results/ --to report/
    """
    import reports

    click.echo(reports.publish(reports.load(results), to))
