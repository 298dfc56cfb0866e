"""`gradmeter report`"""

import time
from pathlib import Path

import click

from gradmeter.options import leave, say, warn_of


@click.command()
@click.argument("results", default="results", metavar="[FOLDER | TARGET]")
@click.option("-p", "--problem", "targets", multiple=True, metavar="PATTERN | TARGET",
              help="Of the store in FOLDER, these problems only.")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where a TARGET's measurements are kept, and found.")  # fmt: skip
@click.option("--seconds", type=float, help="For a TARGET, a race of about so long.")
@click.option("--to", default="report", show_default=True, type=click.Path(path_type=Path))
@click.option("--format", "formats", default="", metavar="pdf,svg,png,tex",
              help="Also write figures/ in these formats, and tables/ for LaTeX.")  # fmt: skip
@click.option(
    "--for-paper",
    is_flag=True,
    help="Instead one LaTeX table of estimators × problems, and a figure of each problem.",
)
@click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN",
              help="For a paper: these, in this order.")  # fmt: skip
@click.option(
    "-K", "--samples", type=click.IntRange(1), help="For a paper: at this K; the smallest."
)
@click.option("--numbers", type=click.Choice(["plain", "siunitx"]),
              help="For a paper: as text, or by siunitx.")  # fmt: skip
@click.option("--width", type=click.FloatRange(1, 20), metavar="INCHES",
              help="For a paper: of its figures; 3.25.")  # fmt: skip
@click.option("--font-size", type=click.FloatRange(4, 20), metavar="POINTS",
              help="For a paper: of its figures; 8.")  # fmt: skip
def report(results, targets, store, seconds, to: Path, formats: str, for_paper, **paper) -> None:
    """Write the report of a store as a static site: index.html, a page per problem and estimator.

    Beside them report.md and the tables as CSV, and trends where the store holds several commits.
    Of a TARGET, as `compare` takes it, the report is what `compare` measures with its defaults.

    Example: gradmeter report results/ --to site/ --format pdf,tex

    Of one problem: gradmeter report my_problem.py --store results/

    For a paper: gradmeter report results/ --for-paper -e pathwise -e 'reinforce*' -p 'normal-*'
    """
    import reports
    from reports.frames.collecting import uncollected

    if for_paper:
        _for_paper(Path(results), targets, to, formats or "pdf", **paper)
        return
    if any(paper.values()):
        raise click.UsageError("-e, -K, --numbers, --width and --font-size belong to --for-paper.")
    chosen = [name for name in formats.split(",") if name]
    if _is_target(results):
        if targets:
            raise click.UsageError("-p chooses among the problems of a store; give its folder.")
        measured = _measured(results, store, seconds)
        say(reports.publish(_framed(measured.rows), to, chosen))
        measured.leave_if_interrupted(store)
        leave(measured.rows)
        return
    if store or seconds:
        raise click.UsageError(f"{results!r} is no problem to measure; give a TARGET, or leave out "
                               "--store and --seconds.")  # fmt: skip
    with uncollected():  # modules, which are imported here, have few cycles too
        publish, frame = reports.publish, _of_store(Path(results), targets)
    say(publish(frame, to, chosen))


def _for_paper(
    results: Path, problems, to: Path, formats: str, estimators, samples, numbers, width, font_size
) -> None:
    """Write table.tex and PROBLEM.FORMAT into the folder `to`, and say their names."""
    import reports
    from reports.exports import paper
    from reports.figures.column_figure import WRITERS, variance
    from reports.pages.site import addresses
    from reports.text.rendering import write_whole

    drawn = formats.split(",")
    if unknown := set(drawn) - set(WRITERS):
        known, others = ", ".join(WRITERS), ", ".join(sorted(unknown))
        raise click.UsageError(f"Figures come in {known}, not {others}; the table is LaTeX.")
    ranked = paper.chosen(reports.load(results), estimators, problems, samples)
    say(write_whole(to / "table.tex", paper.table(ranked, numbers or "plain")))
    files = addresses(ranked["problem"].unique())
    for problem, part in ranked.groupby("problem", sort=False, observed=True):
        figure = variance(part, width or 3.25, font_size or 8)
        for suffix in drawn:
            say(write_whole(to / f"{files[problem]}.{suffix}", WRITERS[suffix](figure)))


def _is_target(text: str) -> bool:
    """Whether it is a problem, and no store; a folder that is there is a store."""
    if Path(text).exists() and not text.endswith(".py"):
        return False
    from benchmarks import problems
    from benchmarks.objective.loading import is_place

    return is_place(text) or text in problems.names()


def _measured(target: str, store: Path | None, seconds: float | None):
    begun = time.perf_counter()
    from benchmarks import problems
    from gradmeter.commands.compare import Measured

    return Measured(
        [({}, problems.load(target))], (), (1, 4), None, seconds, begun, precision=None, store=store
    )


def _framed(rows: list[dict]):
    import pandas

    from reports.frames.load import complete

    if not rows:
        raise click.UsageError("Nothing was measured before the interruption; there is no report.")
    return complete(pandas.DataFrame(rows))


def _of_store(results: Path, targets: tuple[str, ...]):
    """The records of a store, of all problems or of those that are asked for."""
    import reports
    from reports.frames.mean_agreement import with_disagreements

    damaged: list = []
    frame = reports.load(results, latest=False, damaged=damaged)
    warn_of(damaged)
    if targets:
        held = frame["problem"].unique()
        names = {name for target in targets for name in _names(target, held, results)}
        frame = frame[frame["problem"].isin(names)].reset_index(drop=True)
    return with_disagreements(frame, results)


def _names(target: str, held, results: Path) -> list[str]:
    """The problems of a store that a pattern or a target means."""
    from fnmatch import fnmatchcase

    from benchmarks.objective.loading import is_place

    wanted = target
    if is_place(target):
        from benchmarks import problems

        wanted = problems.load(target).name
    found = [name for name in held if fnmatchcase(name, wanted) or name == wanted]
    if not found:
        raise click.UsageError(
            f"{results} holds no record of {wanted!r}; gradmeter compare {target} --store "
            f"{results} makes some."
        )
    return found
