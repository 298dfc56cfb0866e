"""`gradmeter compare`"""

from pathlib import Path

import click

from gradmeter.options import leave, measuring


@click.command()
@click.argument("target", metavar="FILE.py[:NAME] | MODULE:CLASS")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--cost", help="For MODULE:CLASS: linear, quadratic, exp-quadratic, cosine, step.")
@measuring
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
    leave(rows)
