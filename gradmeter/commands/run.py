"""`gradmeter run`"""

import shlex
import sys
from pathlib import Path
from typing import NoReturn

import click

from gradmeter.options import (
    CELLS_FAILED,
    INTERRUPTED,
    check_device,
    imports,
    leave,
    measuring,
    say,
    warn_of,
    where_to_measure,
)

MOST_ROWS = 5_000  # rows kept for the ranking at the end; the store has them all


@click.command()
@click.option("--suite", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("-p", "--problem", "patterns", multiple=True, metavar="PATTERN | TARGET",
              help="By name, such as 'normal-*', or FILE.py or MODULE:CLASS.")  # fmt: skip
@click.option("--trajectory", is_flag=True,
              help="Every stage of the trainings of problems, by their plain names.")  # fmt: skip
@measuring
@where_to_measure
@click.option("--resume", is_flag=True, help="Leave out what the store has already.")
@click.option("--per-parameter", is_flag=True, help="Also store each parameter's numbers.")
@click.option("--timing/--no-timing", default=True, help="Time the estimators too.")
@click.option("--out", default="results", show_default=True, type=click.Path(path_type=Path))
@click.pass_context
def run(
    ctx,
    suite,
    patterns,
    trajectory,
    estimators,
    samples,
    replicates,
    precision,
    device,
    seed,
    workers,
    scheduler,
    cell_timeout,
    resume,
    per_parameter,
    timing,
    compiled,
    memory_limit,
    generator,
    out,
):
    """Measure a suite and append every cell to the store.

    Several workers measure first, then one times the estimators with nothing else at work.

    Example: gradmeter run --suite quick -e 'reinforce*' -K 1,16

    Along a training: gradmeter run --trajectory -p vae-digits -e pathwise -e 'reinforce*'
    """
    if scheduler is None:
        check_device(device)
    with imports():
        from benchmarks.running.suite import Suite

    crew = {
        "workers": workers,
        "scheduler": scheduler,
        "limit": cell_timeout,
        "plugins": ctx.parent.params["plugins"],
    }
    try:
        chosen = Suite(
            problems=_problems(suite, patterns, trajectory),
            estimators=_estimators(suite, estimators),
            samples=samples,
            replicates=replicates,
            precision=precision,
            seed=seed,
            device=device,
            whole=not estimators,
            timed=timing,
            compiled=compiled,
            memory_limit=memory_limit,
            generator=generator,
        )
        shown = _measure(chosen, crew, out, resume, per_parameter)
    except KeyboardInterrupt:
        _stop("Interrupted", out, resume, INTERRUPTED)
    except OSError as failure:
        _stop(str(failure).rstrip("."), out, resume, CELLS_FAILED)
    shown.print(out, trajectory)
    leave([{"status": status} for status in shown.statuses])


def _problems(suite: str, patterns: tuple, trajectory: bool) -> tuple[str, ...]:
    """Names of problems, and files or distributions as targets that any process can load."""
    from fnmatch import fnmatchcase

    from benchmarks import problems
    from benchmarks.objective.loading import absolute, is_place, no_problem
    from benchmarks.problems import trajectories
    from benchmarks.running.selection import choose

    places = tuple(absolute(pattern) for pattern in patterns if is_place(pattern))
    names = tuple(pattern for pattern in patterns if not is_place(pattern))
    for place in places:
        problems.load(place)  # a mistake in it shows now
    known = problems.names("all" if patterns else suite)
    for pattern in names:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise click.UsageError(no_problem(pattern, known))
    if trajectory:
        trained = trajectories.trained(known)
        return trajectories.stages(choose("problem with stages", patterns, trained))
    return (*(choose("problem", names, known) if names or not places else ()), *places)


def _estimators(suite: str, patterns: tuple) -> tuple[str, ...]:
    """Those of the suite, or the chosen ones of all."""
    from benchmarks.running.selection import choose
    from estimators import names

    return choose("estimator", patterns, names("full" if patterns else suite))


def _measure(suite, crew_options: dict, out: Path, resume: bool, per_parameter: bool) -> "_Shown":
    from benchmarks.running import crew_of
    from benchmarks.running import suite as running
    from benchmarks.store.store import Store
    from reports.terminal import Progress

    store, shown = Store(out), _Shown()
    _check_writable(store.path)
    with crew_of(**crew_options) as crew:
        with Progress(len(suite.cells)) as progress:
            for measurement in running.run(
                suite, store, resume, per_parameter, progress.starting, crew
            ):
                shown.add(measurement.row)
                progress.finished(measurement.status)
        if suite.timed and (resume or crew.width > 1):
            left = running.untimed(suite, store)
            with Progress(len(left)) as progress:
                for record in running.time_alone(left, store, progress.starting, crew):
                    shown.add(record)
                    progress.finished(record["status"])
    warn_of(store.damaged)
    return shown


class _Shown:
    """What the ranking at the end needs: the last row of each cell, none if they are too many."""

    def __init__(self):
        self.rows: dict[tuple, dict] | None = {}
        self.statuses: set[str] = set()

    def add(self, row: dict) -> None:
        from benchmarks.store.store import identity

        self.statuses.add(row["status"])
        if self.rows is not None:
            self.rows[identity(row)] = row
            if len(self.rows) > MOST_ROWS:
                self.rows = None

    def print(self, out: Path, trajectory: bool) -> None:
        from reports import terminal  # imports Matplotlib for trajectories alone

        if self.rows and trajectory:
            terminal.print_trajectories(list(self.rows.values()))
        elif self.rows:
            terminal.print_ranking(list(self.rows.values()), out)
        say(f"Records: {out}/records.jsonl. Report: gradmeter report {out}")


def _check_writable(path: Path) -> None:
    """Find out before an hour's work whether it can be kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as failure:
        raise click.UsageError(
            f"Nothing can be written to {path}: {failure.strerror}; choose a folder with --out."
        ) from failure


def _stop(why: str, out: Path, resume: bool, status: int) -> NoReturn:
    """Leave with the command that goes on."""
    again = shlex.join(["gradmeter", *sys.argv[1:], *([] if resume else ["--resume"])])
    say(f"\n{why}. What was finished is in {out}. Go on with: {again}", err=True)
    sys.exit(status)
