"""The command `gradmeter`, and the names handed on to users. The only file that sees every floor.

>>> import gradmeter
>>> frame = gradmeter.compare(gradmeter.Problem(...))

Nothing heavy is imported before it is needed: `gradmeter --help` must answer at once.
"""

import importlib
import shlex
import sys
from pathlib import Path

import click

_HANDED_ON = {
    "benchmarks": ("Measurement", "Problem", "ProblemError", "compare", "measure", "ratio"),
    "estimators": ("Estimator", "Unsupported", "create", "names", "register"),
    "reports": ("load", "publish", "rank"),
}
_HOMES = {name: package for package, names in _HANDED_ON.items() for name in names}
__all__ = [*sorted(_HOMES), "main"]

DONE, USAGE, CELLS_FAILED, NOTHING, INTERRUPTED = 0, 2, 3, 4, 130


def __getattr__(name: str):
    """The public names of the three packages, imported when asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


class _Commands(click.Group):
    """Turns a user's mistake into one sentence and exit status 2, unless --debug."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except (ValueError, TypeError, FileNotFoundError, PermissionError) as mistake:
            if ctx.params.get("debug"):
                raise
            raise click.UsageError(str(mistake), ctx) from mistake
        except KeyboardInterrupt:
            click.echo("\nInterrupted. What was finished is in the store.", err=True)
            sys.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a mistake.")
@click.option(
    "--with",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Run this file first: it may register estimators and problems of yours.",
)
@click.version_option(package_name="gradmeter")
def main(debug: bool, plugins: tuple[Path, ...]) -> None:
    """Measure stochastic gradient estimators: variance, bias and speed, with intervals.

    Example: gradmeter run --suite quick && gradmeter report
    """
    from benchmarks.sources import installed_plugins, read_file

    for failure in installed_plugins():
        click.echo(f"warning: {failure}", err=True)
    for plugin in plugins:
        read_file(plugin)


@main.command("list")
@click.argument(
    "kind", type=click.Choice(["estimators", "problems", "families"]), default="estimators"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", is_flag=True, help="A Markdown table, as in the README and docs.")
@click.option("--matrix", is_flag=True, help="Which estimator works on which family.")
def list_(kind: str, as_json: bool, markdown: bool, matrix: bool) -> None:
    """List what is registered.

    Example: gradmeter list problems
    """
    import json

    from benchmarks import listing
    from reports import terminal

    if markdown:
        click.echo(listing.matrix_markdown() if matrix else listing.markdown())
    elif as_json:
        found = listing.matrix() if matrix else listing.rows(kind)
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif matrix:
        terminal.print_matrix(listing.matrix())
    else:
        terminal.print_rows(listing.rows(kind), kind)


_AT_MOST = "At most; 10 000, or what the suite says; a million with --precision."
_COUNTS = "K, samples per estimate, separated by commas."


def _numbers(ctx: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of whole numbers such as 1,16.") from None


def _measuring(command):
    """The options that `run` and `compare` share."""
    for option in (
        click.option("--seed", default=0, show_default=True, help="Of all random numbers."),
        click.option("--device", default="cpu", show_default=True, help="cpu or cuda."),
        click.option("--precision", type=float, help="Stop at this relative half-width, as 0.05."),
        click.option("-R", "--replicates", type=int, help=_AT_MOST),
        click.option("-K", "--samples", callback=_numbers, show_default=True, help=_COUNTS,
                     default="1,4"),
        click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN"),
    ):  # fmt: skip
        command = option(command)
    return command


@main.command()
@click.option("--suite", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("-p", "--problem", "patterns", multiple=True, metavar="PATTERN",
              help="Problems by name, such as 'normal-*'; from the full suite.")  # fmt: skip
@_measuring
@click.option("--resume", is_flag=True, help="Leave out what the store has already.")
@click.option("--per-parameter", is_flag=True, help="Also store each parameter's numbers.")
@click.option("--out", default="results", show_default=True, type=click.Path(path_type=Path))
def run(
    suite,
    patterns,
    estimators,
    samples,
    replicates,
    precision,
    device,
    seed,
    resume,
    per_parameter,
    out,
):
    """Measure a suite and append every cell to the store.

    Example: gradmeter run --suite quick -e 'reinforce*' -K 1,16
    """
    from benchmarks import problems
    from benchmarks import run as running
    from benchmarks.results import Store
    from reports import terminal

    chosen = running.Suite(
        running.choose("problem", patterns, problems.names("full" if patterns else suite)),
        running.choose("estimator", estimators, running.shelf("full" if estimators else suite)),
        samples, replicates, precision, seed, device, whole=not estimators,
    )  # fmt: skip
    measured = []
    with terminal.Progress(len(chosen.cells)) as progress:
        try:
            for measurement in running.run(
                chosen, Store(out), resume, per_parameter, progress.starting
            ):
                measured.append(measurement)
                progress.finished(measurement.status)
        except KeyboardInterrupt:
            again = shlex.join(["gradmeter", *sys.argv[1:], *([] if resume else ["--resume"])])
            click.echo(
                f"\nInterrupted. What was finished is in {out}. Go on with: {again}", err=True
            )
            sys.exit(INTERRUPTED)
    rows = [m.row for m in measured]
    if rows:
        terminal.print_ranking(rows)
    click.echo(f"Records: {out}/records.jsonl. Report: gradmeter report {out}")
    _leave(rows)


@main.command()
@click.argument("target", metavar="FILE.py[:NAME] | MODULE:CLASS")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--cost", help="For MODULE:CLASS: linear, quadratic, exp-quadratic, cosine, step.")
@_measuring
@click.option("--out", type=click.Path(path_type=Path), help="Also write .html, .csv or .parquet.")
def compare(target, settings, cost, estimators, samples, replicates, precision, device, seed, out):
    """Compare every estimator on one problem: a ranking, and why the rest does not apply.

    Example: gradmeter compare torch.distributions:Gamma concentration=2 rate=1 --cost quadratic
    """
    import estimators as registry
    from benchmarks.comparison import measurements
    from benchmarks.run import CAP, choose
    from benchmarks.sources import problem_from
    from reports import terminal
    from reports.publish import check_format, write

    if out:
        check_format(out)
    problem = problem_from(target, settings, cost)
    names = choose("estimator", estimators, registry.names())
    rows = []
    with terminal.Progress(len(names) * len(samples)) as progress:
        for m in measurements(
            problem,
            names,
            samples,
            replicates or (CAP if precision else 10_000),
            precision,
            seed,
            device,
        ):
            rows.append(m.record)
            progress.starting(problem.name, m.samples, m.estimator)
            progress.finished(m.status)
    if out:
        import pandas

        click.echo(write(pandas.DataFrame(rows), out), err=True)
    terminal.print_comparison(rows)
    _leave(rows)


@main.command()
@click.argument("results", default="results", type=click.Path(path_type=Path))
@click.option("--to", default="report", show_default=True, type=click.Path(path_type=Path))
def report(results: Path, to: Path) -> None:
    """Write the report of a store: index.html, report.md and the tables as CSV.

    Example: gradmeter report results/ --to report/
    """
    import reports

    click.echo(reports.publish(reports.load(results), to))


@main.command()
@click.option("--quick", is_flag=True, help="Minutes instead of most of an hour.")
@click.option("--seed", default=0, show_default=True, help="Of all random numbers.")
@click.option("--to", type=click.Path(path_type=Path), help="Also write the table to this file.")
def calibrate(quick: bool, seed: int, to: Path | None) -> None:
    """Run the suite's own statistics where the answers are exact: coverage, false alarms, power.

    Exit status 3 if a line of the table misses its goal.

    Example: gradmeter calibrate --quick
    """
    from benchmarks.calibration import calibrate, to_markdown

    lines = calibrate(quick, seed, lambda sentence: click.echo(sentence, err=True))
    table = to_markdown(lines)
    click.echo(table)
    if to:
        to.write_text(table + "\n")
    sys.exit(DONE if all(line.holds for line in lines) else CELLS_FAILED)


def _leave(rows: list[dict]) -> None:
    """Leave with the exit status that the cells deserve."""
    statuses = {row["status"] for row in rows}
    if "error" in statuses:
        sys.exit(CELLS_FAILED)
    if rows and "ok" not in statuses:
        sys.exit(NOTHING)


if __name__ == "__main__":
    main()
