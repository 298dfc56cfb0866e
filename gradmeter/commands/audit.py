"""`gradmeter audit`"""

import json
from pathlib import Path

import click

from gradmeter.options import numbers, say

OPTIONS = ("group", "replicates", "seed", "padding", "exact", "store", "terms", "policy", "loss")


def settings(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict:
    """A click callback: NAME=VALUE, where a value is JSON, or else a plain word."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name in OPTIONS:
            raise click.BadParameter(f"{name} is no setting of a loss; write --{name} {value}.")
        if not equals or not all(part.isidentifier() for part in name.split(".")):
            raise click.BadParameter(f"{text!r} is no setting; write NAME=VALUE, as in beta=0.04.")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = None if value == "None" else value
    return found


@click.command()
@click.argument("loss", metavar="NAME | trl:NAME | verl:NAME | openrlhf:NAME | FILE.py[:NAME]")
@click.option("--problem", metavar="FILE.py[:NAME]", default="small", show_default=True,
              help="A Policy of yours, small, sequence-addition, ….")  # fmt: skip
@click.option("--group", default=4, show_default=True, type=click.IntRange(1),
              help="G, completions of a prompt.")  # fmt: skip
@click.option("--set", "given", multiple=True, callback=settings, metavar="NAME=VALUE",
              help="A setting of the loss; may be repeated.")  # fmt: skip
@click.option("--term", "terms", multiple=True,
              type=click.Choice(["policy", "kl", "entropy", "total"]),
              help="Only this term; may be repeated.")  # fmt: skip
@click.option("--micro-batches", callback=numbers, default="1", show_default=True,
              help="Split a step into so many; several, separated by commas.")  # fmt: skip
@click.option("--padding", callback=numbers, default="0", show_default=True,
              help="Add so many masked tokens; several, separated by commas.")  # fmt: skip
@click.option("--exact/--sampled", default=None,
              help="Enumerate all groups, or sample; what fits if neither is said.")  # fmt: skip
@click.option("-R", "--replicates", type=click.IntRange(1), help="Groups to sample; 16,384.")
@click.option("--seed", default=0, show_default=True, type=int, help="Of the samples.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write .csv or .parquet.")
@click.option("--store", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Also append records to this store.")  # fmt: skip
def audit(loss, problem, group, given, terms, exact, replicates, out, store, **how):
    """Say what a post-training loss really estimates, term by term.

    Its expected gradient beside the exact one: how long, how far turned, how noisy. For losses of
    ours (`--set` says how), for the trainers that are installed, and for a function of yours.

    Example: gradmeter audit grpo --group 4 --set scale_rewards=false
    """
    from benchmarks import sequences
    from benchmarks.sequences.sources import policy_from
    from reports.audit import check_format, print_audit, write

    if out:
        check_format(out)
    policy = policy_from(problem)
    how |= {"replicates": replicates} if replicates else {}
    how |= {"store": store} if store else {}
    frame = sequences.audit(
        loss, policy, group, terms or None, "auto" if exact is None else exact, **how, **given
    )
    if out:
        say(write(frame, out), err=True)
    print_audit(frame)
