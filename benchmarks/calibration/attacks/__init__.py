"""Attacks on the verdicts: what is wrong must not be certified, what is right not be accused.

>>> from benchmarks.calibration.attacks import attack_verdicts
>>> from benchmarks.calibration.table import to_markdown
>>> print(to_markdown(attack_verdicts(range(2))))
"""

from collections.abc import Callable, Iterable

from benchmarks.calibration.attacks import costs, estimators, laws, truths
from benchmarks.calibration.attacks.trials import Attack, Trial, line, trials
from benchmarks.calibration.table import Line

__all__ = ["Attack", "Trial", "attack_verdicts", "attacks"]

SEEDS = 20  # of each attack at each budget


def attacks() -> list[Attack]:
    """Every attack: planted estimators, laws (samplers and densities), costs and truths."""
    return [*estimators.attacks(), *laws.attacks(), *costs.attacks(), *truths.attacks()]


def attack_verdicts(
    seeds: Iterable[int] = range(SEEDS), report: Callable[[str], None] | None = None
) -> list[Line]:
    """A line for each kind of attack: in how many trials something false was said.

    - `seeds`: those that each attack is tried with, at each of its budgets.
    - `report`: is called with a sentence as each attack ends.
    """
    report = report or (lambda sentence: None)
    tried: dict[str, list[Trial]] = {}
    for one in attacks():
        made = list(trials(one, seeds))
        tried.setdefault(one.kind, []).extend(made)
        wrong = [trial.wrong for trial in made if trial.wrong]
        shown = f"{len(wrong)} wrong: {wrong[0]}" if wrong else "none wrong"
        report(f"{one.kind} · {one.name}: {len(made)} trials, {shown}")
    return [line(kind, each) for kind, each in tried.items()]
