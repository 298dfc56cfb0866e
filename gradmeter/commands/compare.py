"""`gradmeter compare`"""

import shlex
import sys
import time
from pathlib import Path

import click

from gradmeter.options import INTERRUPTED, check_device, imports, leave, measuring, say

ENDING = 0.05, 2.0  # of the seconds of a race, and seconds at most, that are left for its table


@click.command()
@click.argument("target", metavar="FILE.py[:NAME] | MODULE:CLASS | NAME")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--cost", help="For MODULE:CLASS: linear, quadratic, exp-quadratic, cosine, step.")
@click.option(
    "--constant",
    "constants",
    multiple=True,
    metavar="NAME=VALUE",
    help="For MODULE:CLASS: an argument that is no parameter; may be repeated.",
)
@measuring
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=LOW:HIGH:COUNT | NAME=A,B,C",
    help="Who wins where: measure over a grid of this parameter; may be repeated.",
)
@click.option("--seconds", type=float,
              help="A race, about so long: who is shown to be worse stops.")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Keep every measurement there, and measure nothing that it has.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Also write .html, .csv or .parquet.")
def compare(target, settings, cost, constants, sweeps, out, **how):
    """Compare every estimator on one problem: a ranking, and why the rest does not apply.

    TARGET is a Python file with a Problem in it, a distribution, or a registered name. Ctrl-C shows
    the ranking of what is finished.

    Example: gradmeter compare torch.distributions:Gamma concentration=2 rate=1 --cost quadratic

    Within a minute: gradmeter compare my_problem.py --seconds 60 --store results/
    """
    begun = time.perf_counter()
    with imports():
        from benchmarks import problems
        from benchmarks.objective.parameter_grids import axis, grid
        from reports import terminal
        from reports.pages import regimes
        from reports.pages.publish import FORMATS, write
        from reports.text.rendering import check_format

    check_device(how["device"])
    if out:
        check_format(out, tuple(FORMATS))
    problem = problems.load(target, settings, cost, constants)
    points = list(grid(problem, map(axis, sweeps))) if sweeps else [({}, problem)]
    measured = Measured(points, begun=begun, **how)
    rows = measured.rows
    if out and rows:
        import pandas

        frame = pandas.DataFrame(rows)
        mapped = sweeps and out.suffix == ".html"
        say(regimes.write_page(frame, out) if mapped else write(frame, out), err=True)
    if rows:
        (terminal.print_regimes if sweeps else terminal.print_comparison)(rows)
    for sentence in measured.sentences:
        say(sentence)
    measured.leave_if_interrupted(how["store"])
    leave(rows)


class Measured:
    """The record of every estimator × K at every point of a sweep, with the point.

    `interrupted` by Ctrl-C, it holds what was finished until then. The seconds of races count from
    when the command had `begun`, which imports and reads the problem.
    """

    def __init__(self, points, estimators, samples, replicates, seconds, begun, **how):
        from benchmarks.machine.allocator import keep_freed_memory
        from benchmarks.running.suite import CAP
        from reports.terminal import Progress

        keep_freed_memory()
        self.sentences: list[str] = []
        self.rows: list[dict] = []
        self.interrupted = False
        replicates = replicates or (CAP if how["precision"] or seconds else 10_000)
        if seconds is not None:
            how["seconds"] = seconds / len(points)
        comparisons = [
            (_comparison(problem, estimators, samples, replicates=replicates, **how), point)
            for point, problem in points
        ]
        if seconds is not None:
            share, most = ENDING
            ending = min(share * seconds, most)
            comparisons[0][0].deadline.advance(time.perf_counter() - begun + ending)
        with Progress(sum(comparison.total for comparison, _ in comparisons)) as progress:
            for comparison, point in comparisons:
                self.interrupted = _steps(comparison, progress)
                self._take(comparison, point)
                if self.interrupted:
                    return

    def _take(self, comparison, point: dict) -> None:
        from reports.pages.regimes import PREFIX

        where = {PREFIX + name: value for name, value in point.items()}
        self.rows += [{**m.record, **where} for m in comparison.results]
        if self.rows and comparison.sentence and not point:
            self.sentences.append(comparison.sentence)

    def leave_if_interrupted(self, store: Path | None) -> None:
        """Leave after Ctrl-C, with how much is finished and the command that goes on."""
        if not self.interrupted:
            return
        again = f" Go on with: {shlex.join(['gradmeter', *sys.argv[1:]])}" if store else ""
        cells = "1 cell is" if len(self.rows) == 1 else f"{len(self.rows)} cells are"
        click.echo(f"\nInterrupted: {cells} finished.{again}", err=True)
        sys.exit(INTERRUPTED)


def _comparison(problem, estimators: tuple[str, ...], samples, **how):
    import estimators as registry
    from benchmarks.measuring.comparison import Comparison
    from benchmarks.objective.program import Program
    from benchmarks.running.selection import choose

    names = choose("estimator", estimators, registry.names())
    searched = isinstance(problem, Program) and not estimators
    return Comparison(problem, None if searched else names, samples, **how)


def _steps(comparison, progress) -> bool:
    """Measure; whether it was interrupted."""
    try:
        for m in comparison.steps():
            progress.starting(f"{m.problem} · {m.estimator} · K={m.samples}")
            progress.finished(m.status)
    except KeyboardInterrupt:
        return True
    return False
