"""`gradmeter run`"""

import shlex
import sys
from pathlib import Path

import click

from gradmeter.options import INTERRUPTED, leave, measuring


@click.command()
@click.option("--suite", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("-p", "--problem", "patterns", multiple=True, metavar="PATTERN",
              help="Problems by name, such as 'normal-*'; from the full suite.")  # fmt: skip
@measuring
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
    leave(rows)
