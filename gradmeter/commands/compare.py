"""`gradmeter compare`"""

from pathlib import Path

import click

from gradmeter.options import check_device, leave, measuring


@click.command()
@click.argument("target", metavar="FILE.py[:NAME] | MODULE:CLASS")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--cost", help="For MODULE:CLASS: linear, quadratic, exp-quadratic, cosine, step.")
@measuring
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=LOW:HIGH:COUNT | NAME=A,B,C",
    help="Who wins where: measure over a grid of this parameter; may be repeated.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Also write .html, .csv or .parquet.")
def compare(target, settings, cost, sweeps, out, **how):
    """Compare every estimator on one problem: a ranking, and why the rest does not apply.

    Example: gradmeter compare torch.distributions:Gamma concentration=2 rate=1 --cost quadratic
    """
    from benchmarks.sources import problem_from
    from benchmarks.sweeps import axis, grid
    from reports import regimes, terminal
    from reports.publish import check_format, write

    check_device(how["device"])
    if out:
        check_format(out)
    problem = problem_from(target, settings, cost)
    points = list(grid(problem, map(axis, sweeps))) if sweeps else [({}, problem)]
    rows = _measured(points, **how)
    if out:
        import pandas

        frame = pandas.DataFrame(rows)
        mapped = sweeps and out.suffix == ".html"
        click.echo(regimes.write_page(frame, out) if mapped else write(frame, out), err=True)
    (terminal.print_regimes if sweeps else terminal.print_comparison)(rows)
    leave(rows)


def _measured(points, estimators, samples, replicates, **how) -> list[dict]:
    """The record of every estimator × K at every point of a sweep, with the point."""
    import estimators as registry
    from benchmarks.comparison import measurements
    from benchmarks.measuring.memory import keep_freed_memory
    from benchmarks.program import Program
    from benchmarks.run import CAP, choose
    from reports.regimes import PREFIX
    from reports.terminal import Progress

    keep_freed_memory()
    names = choose("estimator", estimators, registry.names())
    replicates = replicates or (CAP if how["precision"] else 10_000)
    rows = []
    with Progress(len(names) * len(samples) * len(points)) as progress:
        for point, problem in points:
            where = {PREFIX + name: value for name, value in point.items()}
            searched = isinstance(problem, Program) and not estimators
            wanted = None if searched else names  # None: strategies node by node
            for m in measurements(problem, wanted, samples, replicates, **how):
                rows.append({**m.record, **where})
                progress.starting(problem.name, m.samples, m.estimator)
                progress.finished(m.status)
    return rows
