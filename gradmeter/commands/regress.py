"""`gradmeter regress`"""

import json
import sys
from pathlib import Path

import click

from gradmeter.options import INTERRUPTED, numbers, say

METRICS = ("variance", "bias", "speed", "memory")
STORE = "results"
LISTED = 10  # findings named on the terminal


def _metrics(ctx: click.Context, option: click.Parameter, text: str | None):
    if text is None:
        return None
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in chosen:
        if part not in METRICS:
            raise click.BadParameter(f"{part!r} is none of {', '.join(METRICS)}.")
    return chosen


@click.command()
@click.argument("base")
@click.argument("head")
@click.option("--suite", type=click.Choice(["quick", "full"]), help="quick, unless given.")
@click.option("-p", "--problem", "problems", multiple=True, metavar="PATTERN")
@click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN")
@click.option("-K", "--samples", callback=lambda *given: given[-1] and numbers(*given),
              help="K, samples per estimate, separated by commas; 1,4.")  # fmt: skip
@click.option("-R", "--replicates", type=int, help="The problem says, unless given.")
@click.option("--seed", default=0, show_default=True, help="Of both sides.")
@click.option("--head-seed", type=int, help="Another seed at the head: a test of the test.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "--fail-on",
    callback=_metrics,
    help="Of variance, bias, speed, memory: variance,bias. What stops working fails.",
)
@click.option(
    "--speed/--no-speed",
    default=None,
    help="Measure speed and memory; only where they can fail, unless given.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="About how long speed may take; estimators whose code changed come first.",
)
@click.option("--accepted", default="regressions-accepted.toml", show_default=True,
              type=click.Path(path_type=Path), help="Regressions that are known.")  # fmt: skip
@click.option("--history", "store", type=click.Path(path_type=Path), metavar="STORE",
              help="Where earlier commits are; results/, if it is there.")  # fmt: skip
@click.option("--to", default="regression", show_default=True, type=click.Path(path_type=Path),
              help="A folder, or one file: .html, .md, .json or .csv.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the verdict document.")
@click.pass_context
def regress(ctx, base, head, to, as_json, accepted, store, **options):
    """Say whether variance, bias or speed got worse from BASE to HEAD.

    Each is a git revision, a folder with the code, or a result store. In a repository of yours, its
    gradmeter.toml, its entry points or --with FILE say what is measured. Exit status 1: a confirmed
    regression, between stores a significant one; 3: cells fail; 4: nothing could be decided, or a
    gate of --fail-on could not be applied.

    Example: gradmeter regress main HEAD -p 'normal-*' --to comment.md
    """
    from benchmarks.regression.accepted import read
    from reports.regression.publish import FILES, publish_regression

    if to.suffix and to.suffix not in FILES:
        raise click.UsageError(f"--to {to}: name a folder, or a file in {', '.join(FILES)}.")
    entries = read(accepted)
    if store and not store.exists():
        raise click.UsageError(f"--history {store}: there is no such store.")
    try:
        document = _compare(base, head, options, entries, ctx.find_root().params.get("plugins", ()))
    except KeyboardInterrupt:
        say("\nInterrupted before anything was compared: there is no report.", err=True)
        sys.exit(INTERRUPTED)
    written = publish_regression(document.to_dict(), to, _history(document, store))
    if as_json:
        say(json.dumps(document.to_dict(), indent=1, allow_nan=False))
    else:
        _say(document)
    for sentence in document.completeness["lost"]:
        say(f"warning: {sentence}", err=True)
    say(f"Report: {written}", err=True)
    sys.exit(document.exit_status)


def _compare(base: str, head: str, options: dict, entries: list, plugins: tuple):
    """The document; both sides must be of one kind."""
    from benchmarks.regression.report import FAIL_ON
    from benchmarks.regression.stores import Chosen, compare_stores, is_store

    stores = [is_store(base), is_store(head)]
    if all(stores):
        gate = FAIL_ON if options["fail_on"] is None else options["fail_on"]
        speed = options["speed"] is not False  # nothing has to be measured for it
        chosen = Chosen(options["problems"], options["estimators"], gate, speed)
        return compare_stores(base, head, chosen, entries)
    if any(stores):
        store, code = (base, head) if stores[0] else (head, base)
        raise click.UsageError(
            f"{store!r} is a result store and {code!r} is not: give two revisions, or measure the "
            f"second too, with gradmeter run --out FOLDER at that revision."
        )
    from benchmarks.regression.revisions import compare_revisions
    from benchmarks.regression.selection import Selection

    timed = options.pop("speed")
    selection = Selection(**options, timed=timed, plugins=plugins)
    with _Progress() as progress:
        return compare_revisions(base, head, selection, entries, progress=progress)


def _history(document, store: Path | None) -> list:
    """What a store knows of the cells that got worse; a store that cannot be read is a warning."""
    from benchmarks.regression.stores import is_store
    from reports.frames.commit_series import of_cells

    worse = [f for f in document.cells if f.verdict in ("failed", "regressed")]
    if store is None and not is_store(STORE):
        return []
    try:
        return of_cells(store or STORE, [(f.problem, f.estimator, f.samples) for f in worse])
    except ValueError as mistake:
        say(f"warning: the report has no history: {mistake}", err=True)
        return []


def _say(document) -> None:
    """The sentence, and what to look at first."""
    say(document.sentence)
    gate = ("status", *document.settings["fail_on"])
    shown = [
        f for f in document.cells
        if f.verdict in ("failed", "regressed") or (f.verdict == "unstable" and f.metric in gate)
    ]  # fmt: skip
    for finding in shown[:LISTED]:
        mark = f"{finding.verdict}. {finding.reason or ''}"
        if finding.accepted:
            mark += f" Accepted: {finding.accepted}"
        say(
            f"  {finding.problem} · {finding.estimator} · K={finding.samples} · {finding.metric}: "
            f"{mark}"
        )
        if finding.gates:
            none = f"No command reproduces it: {finding.unreproducible}."
            say(f"    {finding.reproduce or none}")
    if len(shown) > LISTED:
        say(f"  and {len(shown) - LISTED} more in the report")


class _Progress:
    """Steps of a comparison, as `reports.terminal.Progress` shows them."""

    def __enter__(self) -> "_Progress":
        self._shown = None
        return self

    def __exit__(self, *failure) -> None:
        if self._shown:
            self._shown.__exit__(*failure)

    def total(self, cells: int) -> None:
        """How many steps there will be."""
        from reports import terminal

        self._shown = terminal.Progress(cells)
        self._shown.__enter__()

    def step(self, cell: str) -> None:
        """A step begins; the one before it is done."""
        self._shown.starting(cell)
        self._shown.finished("ok")
