"""What commands share: options, and the exit statuses."""

import sys

import click

DONE, USAGE, CELLS_FAILED, NOTHING, INTERRUPTED = 0, 2, 3, 4, 130

_AT_MOST = "At most; 10 000, or what the suite says; a million with --precision."
_COUNTS = "K, samples per estimate, separated by commas."


def _numbers(ctx: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of whole numbers such as 1,16.") from None


def measuring(command):
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


def leave(rows: list[dict]) -> None:
    """Leave with the exit status that the cells deserve."""
    statuses = {row["status"] for row in rows}
    if "error" in statuses:
        sys.exit(CELLS_FAILED)
    if rows and "ok" not in statuses:
        sys.exit(NOTHING)
