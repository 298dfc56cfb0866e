"""`gradmeter history`"""

from pathlib import Path

import click

from gradmeter.options import say, warn_of

SHOWN = 40  # series in the terminal, unless --all


@click.command()
@click.argument("results", default="results", type=click.Path(path_type=Path))
@click.option("-p", "--problem", "problems", multiple=True, metavar="PATTERN")
@click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN")
@click.option("--metric", default="variance", show_default=True,
              type=click.Choice(["variance", "bias2", "seconds", "work_variance"]))  # fmt: skip
@click.option("--all", "whole", is_flag=True, help=f"Every series, not only {SHOWN}.")
@click.option("--to", type=click.Path(path_type=Path), help="Also write .html or .csv.")
@click.option("--asv", type=click.Path(path_type=Path), metavar="DIR",
              help="Also write an asv project: configuration and results.")  # fmt: skip
@click.option("--repo", default=".", show_default=True, type=click.Path(path_type=Path),
              help="For --asv: the git repository with the commits.")  # fmt: skip
def history(results, problems, estimators, metric, whole, to, asv, repo):
    """Show each cell of a store over the commits it was measured at, steps first.

    A step is marked only where the intervals of the records say so. Times have no marks: they
    differ between launches by more than one launch's interval; `gradmeter regress` compares them.

    Example: gradmeter history results/ -p 'normal-*' --to history.html
    """
    import reports
    from reports import terminal
    from reports.exports import asv as exporting
    from reports.frames import commit_series as series
    from reports.pages import trends
    from reports.text.rendering import check_format, write_as

    if to:
        check_format(to, tuple(trends.FORMATS))
    damaged: list = []
    frame = reports.load(results, latest=False, damaged=damaged)
    warn_of(damaged)
    frame = series.chosen(frame, problems, estimators)
    found = series.series(frame)
    shown = found if whole else found[:SHOWN]
    terminal.print_rows(series.table(shown, metric), series.summary(found))
    if len(found) > len(shown):
        left = found[SHOWN:]
        say(f"and {len(left)} more, {sum(len(one.steps) for one in left)} steps among them: --all")
    if to:
        say(write_as(to, found, trends.FORMATS), err=True)
    if asv:
        say(exporting.export(found, asv, repo), err=True)
