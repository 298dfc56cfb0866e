"""`gradmeter report`"""

from pathlib import Path

import click

from gradmeter.options import say, warn_of


@click.command()
@click.argument("results", default="results", type=click.Path(path_type=Path))
@click.option("--to", default="report", show_default=True, type=click.Path(path_type=Path))
@click.option("--format", "formats", default="", metavar="pdf,svg,png,tex",
              help="Also write figures/ in these formats, and tables/ for LaTeX.")  # fmt: skip
def report(results: Path, to: Path, formats: str) -> None:
    """Write the report of a store as a static site: index.html, a page per problem and estimator.

    Beside them report.md and the tables as CSV, and trends where the store holds several commits.

    Example: gradmeter report results/ --to site/ --format pdf,tex
    """
    import reports
    from reports.frames.mean_agreement import with_disagreements

    chosen = [name for name in formats.split(",") if name]
    damaged: list = []
    frame = reports.load(results, latest=False, damaged=damaged)
    warn_of(damaged)
    frame = with_disagreements(frame, results)
    say(reports.publish(frame, to, chosen))
