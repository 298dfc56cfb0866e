"""The group of commands: one file each in `gradmeter.commands`."""

import sys
import traceback
from pathlib import Path

import click

from gradmeter.commands.atlas import atlas
from gradmeter.commands.audit import audit
from gradmeter.commands.calibrate import calibrate
from gradmeter.commands.cite import cite
from gradmeter.commands.comment import comment
from gradmeter.commands.compare import compare
from gradmeter.commands.completion import completion
from gradmeter.commands.doctor import doctor
from gradmeter.commands.history import history
from gradmeter.commands.listing import list_
from gradmeter.commands.regress import regress
from gradmeter.commands.report import report
from gradmeter.commands.run import run
from gradmeter.commands.schema import schema
from gradmeter.commands.store import store
from gradmeter.commands.train import train
from gradmeter.options import INTERRUPTED, UNEXPECTED, WRONG_USAGE, say, visible
from gradmeter.origin import complaint


class _Commands(click.Group):
    """Turns a user's mistake into one sentence and exit status 2, unless --debug."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except click.ClickException as mistake:
            mistake.message = visible(mistake.message)
            raise
        except (ValueError, TypeError, OSError) as mistake:
            if isinstance(mistake, BrokenPipeError):
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
                sys.exit(WRONG_USAGE)
            raise click.UsageError(visible(mistake), ctx) from mistake
        except KeyboardInterrupt:
            say("\nInterrupted. What was finished is in the store.", err=True)
            sys.exit(INTERRUPTED)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # a fault of ours: its traceback is the report, its status its own
            traceback.print_exc()
            sys.exit(UNEXPECTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a mistake.")
@click.option(
    "--with",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Run this file first: it may register estimators and problems of yours.",
)
@click.version_option(package_name="gradmeter")
def main(debug: bool, plugins: tuple[Path, ...]) -> None:
    """Measure stochastic gradient estimators: variance, bias and speed, with intervals.

    Example: gradmeter run --suite quick && gradmeter report
    """
    if click.get_current_context().invoked_subcommand == "doctor":
        return  # which says all this itself
    if {"--help", "-h"} & set(sys.argv[1:]):
        return  # nothing will run
    if (stranger := complaint()) is not None:
        raise click.UsageError(stranger)
    _load(plugins)


def _load(plugins: tuple[Path, ...]) -> None:
    """Load what installed packages and `plugins` register; nothing heavy where there is none."""
    from importlib import metadata

    if metadata.entry_points(group="gradmeter"):
        from benchmarks.objective.loading import installed_plugins

        for failure in installed_plugins():
            say(f"warning: {failure}", err=True)
    if plugins:
        from benchmarks.machine.environment import note_file
        from benchmarks.objective.loading import read_file

        for plugin in plugins:
            read_file(plugin)
            note_file(plugin)


for command in (
    list_,
    run,
    train,
    compare,
    audit,
    atlas,
    regress,
    comment,
    report,
    history,
    calibrate,
    store,
    schema,
    cite,
    doctor,
    completion,
):
    main.add_command(command)
