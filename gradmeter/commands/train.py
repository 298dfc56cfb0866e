"""`gradmeter train`"""

from pathlib import Path

import click

from gradmeter.options import leave, numbers, say


@click.command()
@click.argument("problem", metavar="FILE.py[:NAME] | MODULE:CLASS | NAME")
@click.option("-e", "--estimator", "estimators", multiple=True, metavar="PATTERN")
@click.option("--loss", "losses", multiple=True, metavar="NAME",
              help="Of an audit, on problems over sequences; may be repeated.")  # fmt: skip
@click.option("-K", "--samples", callback=numbers, default="1", show_default=True,
              help="K, samples per estimate, separated by commas.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True,
              help="Trainings with each estimator.")  # fmt: skip
@click.option("--evaluations", type=float, default=1000, show_default=True,
              help="Of the cost, for each element of the batch.")  # fmt: skip
@click.option("--seconds", type=float, default=1, show_default=True,
              help="Of processor time.")  # fmt: skip
@click.option("--learning-rate", type=float, default=3e-3, show_default=True, help="Of Adam.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write .html or .csv.")
def train(problem, estimators, losses, samples, seeds, evaluations, seconds, learning_rate, out):
    """Train with each estimator and see whether low variance bought anything.

    From the first stage of the problem's training, or where it is, every training goes on until
    both budgets are spent, and is read at the end of each.

    Example: gradmeter train vae-digits-weights -e pathwise -e 'reinforce*' -K 1,4

    Losses of trainers: gradmeter train sequence-addition --loss grpo --loss rloo -K 4
    """
    from benchmarks.running.selection import choose
    from benchmarks.training.outcomes import Budget, outcomes, start_of
    from estimators import names as registered
    from reports.pages import training
    from reports.terminal import Progress, print_outcome
    from reports.text.rendering import check_format, write_as

    if out:
        check_format(out, tuple(training.FORMATS))
    names = _losses(losses)
    if estimators or not losses:
        known = registered("full" if estimators else "quick")
        names += choose("estimator", estimators, known)
    budget = Budget(evaluations, seconds, learning_rate)
    rows = []
    with Progress(len(names) * len(samples) * seeds) as progress:
        for found in outcomes(start_of(problem), names, samples, seeds, budget, progress.starting):
            rows += found
            progress.finished("ok")
    frame = training.framed(rows)
    if out:
        say(write_as(out, frame, training.FORMATS), err=True)
    print_outcome(frame)
    leave([{"status": "ok" if "objective" in row else "refused"} for row in rows])


def _losses(names: tuple[str, ...]) -> list:
    """The losses of these names as estimators."""
    if not names:
        return []
    from benchmarks.sequences.trainer_loss import trainer_loss

    return [trainer_loss(name) for name in names]
