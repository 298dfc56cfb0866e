"""`gradmeter comment`"""

from pathlib import Path

import click

from gradmeter.options import say


@click.command()
@click.argument("verdict", type=click.Path(path_type=Path))
@click.option("--to", default="comment.md", show_default=True, type=click.Path(path_type=Path),
              help="A file that ends in .md.")  # fmt: skip
@click.option("--history", "store", type=click.Path(path_type=Path), metavar="STORE",
              help="Where earlier commits are.")  # fmt: skip
def comment(verdict: Path, to: Path, store: Path | None) -> None:
    """Write the comment on a pull request from the VERDICT.json of somebody else's run.

    Every field is checked, and what stands in the comment is made of them alone: a run of code that
    nobody has read yet cannot have it say anything else. Exit status 2 with what is wrong.

    Example: gradmeter comment regression/verdict.json --to comment.md
    """
    from benchmarks.regression.checked_document import read_checked
    from reports.frames.commit_series import of_cells
    from reports.regression.publish import publish_regression

    if to.suffix != ".md":
        raise click.UsageError(f"--to {to}: a comment is Markdown; end it in .md.")
    if not verdict.is_file():
        raise click.UsageError(
            f"There is no file {verdict}; gradmeter regress --to FOLDER makes it."
        )
    document = read_checked(verdict)
    worse = [f for f in document.cells if f.verdict in ("failed", "regressed")]
    known = []
    if store is not None and store.exists():
        known = of_cells(store, [(f.problem, f.estimator, f.samples) for f in worse])
    say(f"Comment: {publish_regression(document.to_dict(), to, known)}")
