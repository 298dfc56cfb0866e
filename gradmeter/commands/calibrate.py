"""`gradmeter calibrate`"""

import sys
from pathlib import Path

import click

from gradmeter.options import CELLS_FAILED, DONE, say


@click.command()
@click.option("--quick", is_flag=True, help="Minutes instead of most of an hour.")
@click.option("--attack", is_flag=True, help="Instead, plant faults and see what is certified.")
@click.option("--seed", default=0, show_default=True, help="Of all random numbers.")
@click.option("--to", type=click.Path(path_type=Path), help="Also write the table to this file.")
def calibrate(quick: bool, attack: bool, seed: int, to: Path | None) -> None:
    """Run the suite's own statistics where the answers are exact: coverage, false alarms, power.

    With --attack: estimators, samplers, densities, costs and truths that are wrong, or right and
    look wrong; what is said of each, with 20 seeds (2 with --quick) at two budgets.

    Exit status 3 if a line of the table misses its goal.

    Example: gradmeter calibrate --quick
    """
    from benchmarks.calibration import calibrate, to_markdown
    from benchmarks.calibration.attacks import SEEDS, attack_verdicts

    def report(sentence: str) -> None:
        say(sentence, err=True)

    if attack:
        lines = attack_verdicts(range(seed, seed + (2 if quick else SEEDS)), report)
    else:
        lines = calibrate(quick, seed, report)
    table = to_markdown(lines)
    say(table)
    if to:
        to.write_text(table + "\n")
    sys.exit(DONE if all(line.holds for line in lines) else CELLS_FAILED)
