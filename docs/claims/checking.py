"""What the checks of claims share: cells of the suite, trainings, and numbers in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import pandas

from benchmarks.measuring.measurement import Measurement
from benchmarks.running import job
from benchmarks.running.cell_spec import CellSpec
from benchmarks.training.outcomes import Budget, outcomes, start_of
from reports.pages import training
from reports.text import numbers

VAE = "vae-digits-weights"


@dataclass(frozen=True)
class Run:
    """Cells of the suite, and the command that measures the same numbers."""

    problems: tuple[str, ...]
    estimators: tuple[str, ...]
    samples: tuple[int, ...] = (1,)
    replicates: int = 100_000

    def command(self) -> str:
        """As a user types it."""
        names = [f"-p {name}" for name in self.problems] + [f"-e {e}" for e in self.estimators]
        counts = ",".join(map(str, self.samples))
        return f"gradmeter run {' '.join(names)} -K {counts} -R {self.replicates} --no-timing"

    @cache  # noqa: B019  a handful, alive as long as the page is made
    def cells(self) -> dict[tuple[str, str, int], Measurement]:
        """(problem, estimator, K): what was measured."""
        found = {
            (p, e, k): job.measure(job.Job(CellSpec(p, e, k, self.replicates), timed=False))
            for p in self.problems
            for k in self.samples
            for e in self.estimators
        }
        failed = [m.reason for m in found.values() if m.status == "error"]
        if failed:
            raise RuntimeError(f"{self.command()}: {failed[0]}")
        return found


@dataclass(frozen=True)
class Finding:
    """A claim's verdict, its numbers as a table, what they mean, and the command."""

    verdict: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    says: str
    command: str


@dataclass(frozen=True)
class Claim:
    """A statement in our words, and how it is checked at a share of the replicates."""

    title: str
    statement: str
    check: Callable[[float], Finding]


claims: dict[str, Claim] = {}


def claim(name: str, title: str, statement: str):
    """Decorator that adds the check of a claim."""

    def add(check: Callable[[float], Finding]) -> Callable[[float], Finding]:
        claims[name] = Claim(title, statement, check)
        return check

    return add


def of(replicates: int, share: float) -> int:
    """A share of the replicates, enough for an interval."""
    return max(round(replicates * share), 200)


def interval(m: Measurement, name: str) -> str:
    """A number of a measurement with its 95 % interval."""
    return numbers.interval(*(getattr(m, f"{name}{end}") for end in ("", "_low", "_high")))


def relative_bias(m: Measurement) -> str:
    """‖bias‖ / ‖g‖ with its 95 % interval, which is a point where nothing varies."""
    ends = [max(b, 0.0) ** 0.5 / m.gradient_norm for b in (m.bias2, m.bias2_low, m.bias2_high)]
    return numbers.interval(*ends) if m.variance > 0 else numbers.number(ends[0])


def excluded(m: Measurement) -> str:
    """The verdict on bias, its p-value and what bias is excluded."""
    limit = f", ‖bias‖ below {numbers.percent(m.bias_limit)} of ‖g‖"
    shown = limit if m.bias_verdict != "biased" else f", ‖bias‖ / ‖g‖ = {relative_bias(m)}"
    p = numbers.probability(m.bias_p)
    return f"{m.bias_verdict}{shown}, p {p if p.startswith('<') else f'= {p}'}"


@cache
def trained(
    estimators: tuple[str, ...], samples: tuple[int, ...], share: float
) -> tuple[pandas.DataFrame, Budget, int]:
    """Every point of trainings of the VAE's encoder, as a frame."""
    budget, seeds = Budget(max(1000 * share, 16), max(share, 1e-3)), 5 if share >= 1 else 2
    found = outcomes(start_of(VAE), estimators, samples, seeds, budget)
    return training.framed([row for rows in found for row in rows]), budget, seeds


def train_command(
    estimators: tuple[str, ...], samples: tuple[int, ...], seeds: int, budget: Budget
) -> str:
    """The command for the same trainings."""
    return (
        f"gradmeter train {VAE} {' '.join(f'-e {e}' for e in estimators)} "
        f"-K {','.join(map(str, samples))} --seeds {seeds} --evaluations {budget.evaluations:g}"
    )


def written(row: dict, name: str) -> str:
    """A mean over seeds with its interval."""
    return numbers.interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))
