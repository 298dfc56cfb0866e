"""One attack and its trials: what is planted, what would be false to say, and what was said."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from benchmarks.calibration.table import Line, exact
from benchmarks.measuring.measure import measure
from benchmarks.objective.definition import Problem, ProblemError
from estimators import Estimator

BUDGETS = (2_000, 20_000)
MATERIAL = 0.05  # of ‖g‖: a certificate for what is this far off is wrong


@dataclass(frozen=True, eq=False)
class Attack:
    """A planted fault, or something right that looks like one.

    `off` is ‖E ĝ − g‖ / ‖g‖ and `turned` its share across g, both 0 for what is right; `named`
    says that the fault must be named: by an error, a caution or the verdict "biased".
    """

    kind: str
    name: str
    build: Callable[[], Problem]
    estimator: Estimator | str
    off: float = 0.0
    turned: float = 0.0
    named: bool = False
    samples: int = 1
    budgets: tuple[int, ...] = BUDGETS

    @cached_property
    def problem(self) -> Problem:
        """The problem, built once, so that it is prepared once."""
        return self.build()


@dataclass(frozen=True)
class Trial:
    """What was said of one attack with one seed and R."""

    attack: Attack
    status: str  # ok | refused | error; "error" also where the problem was refused
    bias: str | None
    direction: str | None
    reason: str | None

    @property
    def wrong(self) -> str | None:
        """What was said that is false, or None."""
        attack = self.attack
        if attack.named:
            silent = self.status == "ok" and not self.reason and self.bias != "biased"
            return "measured without a word" if silent else None
        if self.status != "ok":
            right = attack.off == 0
            return f"what is right was not measured: {self.reason}" if right else None
        said = (
            (self.bias == "unbiased" and attack.off >= MATERIAL, "unbiased"),
            (self.bias == "biased" and attack.off == 0, "biased"),
            (self.direction == "parallel" and attack.turned >= MATERIAL, "parallel"),
            (self.direction == "turned" and attack.turned == 0, "turned"),
        )
        return next((f"called {word}" for false, word in said if false), None)


def trials(attack: Attack, seeds: Iterable[int]) -> Iterator[Trial]:
    """The attack at each of its budgets with each seed."""
    for replicates in attack.budgets:
        for seed in seeds:
            yield _tried(attack, replicates, seed)


def _tried(attack: Attack, replicates: int, seed: int) -> Trial:
    try:
        found = measure(
            attack.problem, attack.estimator, attack.samples, replicates, seed, timed=False
        )
    except ProblemError as refusal:
        return Trial(attack, "error", None, None, str(refusal))
    return Trial(attack, found.status, found.bias_verdict, found.direction_verdict, found.reason)


def line(kind: str, tried: list[Trial]) -> Line:
    """The share of false statements among the trials of a kind; the goal is none at all."""
    wrong = sum(trial.wrong is not None for trial in tried)
    plants, n = len({trial.attack.name for trial in tried}), len(tried)
    what = f"{kind}: {plants} planted; false statements (none in {n:,}: below {3 / n:.2g} at 95 %)"
    return exact("T", what, wrong, n, 0, "0")
