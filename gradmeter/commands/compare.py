"""`gradmeter compare`"""

from pathlib import Path

import click

from gradmeter.options import check_device, leave, measuring, say


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
    from benchmarks.objective.loading import problem_from
    from benchmarks.objective.parameter_grids import axis, grid
    from reports import terminal
    from reports.pages import regimes
    from reports.pages.publish import FORMATS, write
    from reports.text.rendering import check_format

    check_device(how["device"])
    if out:
        check_format(out, tuple(FORMATS))
    problem = problem_from(target, settings, cost)
    points = list(grid(problem, map(axis, sweeps))) if sweeps else [({}, problem)]
    rows = _measured(points, **how)
    if out:
        import pandas

        frame = pandas.DataFrame(rows)
        mapped = sweeps and out.suffix == ".html"
        say(regimes.write_page(frame, out) if mapped else write(frame, out), err=True)
    (terminal.print_regimes if sweeps else terminal.print_comparison)(rows)
    leave(rows)


def _measured(points, estimators, samples, replicates, **how) -> list[dict]:
    """The record of every estimator × K at every point of a sweep, with the point."""
    import estimators as registry
    from benchmarks.machine.allocator import keep_freed_memory
    from benchmarks.measuring.compare import measurements
    from benchmarks.measuring.cross_checks import cross_checked
    from benchmarks.objective.program import Program
    from benchmarks.running.selection import choose
    from benchmarks.running.suite import CAP
    from reports.pages.regimes import PREFIX
    from reports.terminal import Progress

    keep_freed_memory()
    names = choose("estimator", estimators, registry.names())
    replicates = replicates or (CAP if how["precision"] else 10_000)
    rows = []
    with Progress(len(names) * len(samples) * len(points)) as progress:
        for point, problem in points:
            where = {PREFIX + name: value for name, value in point.items()}
            found = []
            searched = isinstance(problem, Program) and not estimators
            wanted = None if searched else names  # None: strategies node by node
            for m in measurements(problem, wanted, samples, replicates=replicates, **how):
                found.append(m)
                progress.starting(f"{problem.name} · {m.estimator} · K={m.samples}")
                progress.finished(m.status)
            if not searched:
                chosen = [registry.create(name) for name in names] * len(samples)
                found = cross_checked(found, chosen)
            rows += [{**m.record, **where} for m in found]
    return rows
