"""What commands share: options, and the exit statuses."""

import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gradmeter.origin import complaint

DONE, WRONG_USAGE, CELLS_FAILED, NOTHING, INTERRUPTED = 0, 2, 3, 4, 130
UNEXPECTED = 70  # an error that nobody foresaw; 1 is for a confirmed regression alone


def visible(text: object) -> str:
    """`text` as a terminal shows it: nothing in it moves a cursor or is taken for a link."""
    if complaint() is not None:
        return str(text)  # somebody else's `benchmarks` is not imported
    from benchmarks.store.inert_text import visible as inert

    return inert(text)


@contextmanager
def imports() -> Iterator[None]:
    """What is imported inside stays: it is not searched for garbage, now or later."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()


MOST_SAMPLES = 10**9  # per estimate
_AT_MOST = "At most; 10 000, or what the suite says; a million with --precision."
_COUNTS = "K, samples per estimate, separated by commas."


def say(text: object, err: bool = False) -> None:
    """Print a text on stdout, or on stderr, with nothing in it that acts on a terminal."""
    click.echo(visible(text), err=err)


def numbers(ctx: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    """A click callback: whole numbers separated by commas."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of whole numbers such as 1,16.") from None
    if max(numbers) > MOST_SAMPLES:
        raise click.BadParameter(f"{max(numbers)} is more samples than any memory holds.")
    return numbers


def device(ctx: click.Context, option: click.Parameter, text: str) -> str:
    """A click callback: cpu, cuda or cuda:1. Whether there is one is `check_device`'s question."""
    if not re.fullmatch(r"cpu|cuda(:\d{1,2})?", text):
        raise click.BadParameter(f"{text!r} is no device to measure on; use cpu, cuda or cuda:1.")
    return text


def memory(ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """A click callback: bytes, from text such as 500MB, 1.5GB or 2GiB."""
    if text is None:
        return None
    from benchmarks.machine.memory import bytes_of

    try:
        return bytes_of(text)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


def generator(ctx: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """A click callback: a generator of random numbers that is installed, or None."""
    if name is not None:
        from benchmarks.machine.generators import check_generator

        try:
            check_generator(name)
        except ValueError as missing:
            raise click.BadParameter(str(missing)) from None
    return name


def check_device(name: str) -> None:
    """Raise click.UsageError for a device that this machine does not have."""
    if name == "cpu":
        return
    import torch

    count, place = torch.cuda.device_count(), int(name.partition(":")[2] or 0)
    if place >= count:
        raise click.UsageError(
            f"There is no device {name} here: torch sees {count} GPUs; use --device cpu, or ask "
            "`gradmeter doctor`."
        )


def measuring(command):
    """The options that `run` and `compare` share."""
    for option in (
        click.option("--compile", "compiled", is_flag=True,
                     help="Try torch.compile where estimators are timed, and on large cells."),
        click.option("--memory-limit", metavar="SIZE", callback=memory,
                     help="What measuring may take, as 1GB; half of what is free."),
        click.option("--generator", type=click.Choice(["mkl"]), callback=generator,
                     help="Draw many random numbers with Intel's MKL: other numbers, faster."),
        click.option("--seed", default=0, type=click.IntRange(-(2**63), 2**63 - 1),
                     help="Of all random numbers; 0."),
        click.option("--device", default="cpu", callback=device, show_default=True,
                     help="cpu or cuda."),
        click.option("--precision", type=float, help="Stop at this relative half-width, as 0.05."),
        click.option("-R", "--replicates", type=int, help=_AT_MOST),
        click.option("-K", "--samples", callback=numbers, show_default=True, help=_COUNTS,
                     default="1,4"),
        click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN"),
    ):  # fmt: skip
        command = option(command)
    return command


def where_to_measure(command):
    """The options that say who measures."""
    for option in (
        click.option("--cell-timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                     help="Give up a cell that takes longer; measure in a process of its own."),
        click.option("--scheduler", metavar="tcp://HOST:PORT", help="Measure on a dask cluster."),
        click.option("--workers", type=click.IntRange(1), metavar="N",
                     help="Measure on N processes of this machine."),
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


def warn_of(damaged: list) -> None:
    """Say on stderr, in one line, which lines of a store were left out, if any were."""
    if damaged:
        from benchmarks.store.store import say_damaged

        say(f"warning: {say_damaged(damaged)}", err=True)
