"""F3, P1 and P2: faults planted into an estimator are found, a re-ordering of sums is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.distributions import Normal

from benchmarks.calibration import exact_cells
from benchmarks.calibration.repetitions import CPU, cell
from benchmarks.calibration.table import Line, share
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.objective import costs
from benchmarks.objective.definition import Problem
from benchmarks.statistics.moments import Rows
from benchmarks.statistics.paired_tests import mean_change, variance_change
from benchmarks.statistics.stopping import Plan
from estimators import create, evaluate
from estimators.reinforce import Reinforce, score_log_prob

DIMENSIONS = 10
SCALE = 1.02


@dataclass(frozen=True)
class Fault:
    """A cell, and the same cell with a fault, for any seed."""

    name: str
    before: Callable[[int], Cell]
    after: Callable[[int], Cell]


class OwnMean:
    """A baseline that leaks: the mean of all samples, the sample itself among them."""

    def __call__(self, f: Tensor) -> Tensor:
        return f.mean(0)


class Attached(Reinforce):
    """REINFORCE whose samples keep their graph: the pathwise gradient is added to it."""

    def surrogate(self, dist, cost, samples=1):
        x = dist.rsample((samples,))
        f = evaluate(cost, x, dist)
        log_p = score_log_prob(dist, x.detach())
        return (f + f.detach() * (log_p - log_p.detach())).mean(0)


class Reordered(Reinforce):
    """Leave-one-out REINFORCE that adds its samples up in the other order: harmless."""

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,)).flip(0)
        f = evaluate(cost, x, dist)
        log_p = score_log_prob(dist, x)
        advantage = f.detach() - self.baseline(f.detach())
        return (f + advantage * (log_p - log_p.detach())).mean(0)


def normal_locs() -> exact_cells.ExactCell:
    """Ten N(1, 1) with cost (x + 3)², by the pathwise gradient of loc alone."""
    ones = torch.ones(DIMENSIONS, dtype=torch.float64)

    def family(loc):
        return Normal(loc, torch.ones_like(loc))

    problem = Problem(
        "normal-locs", {"loc": ones}, family, costs.quadratic(-3.0), {"loc": 8 * ones}
    )
    return exact_cells.ExactCell(problem, create("pathwise"), 1, 4.0 * DIMENSIONS)


def faults() -> list[Fault]:
    """The planted faults of statistics.md."""
    locs, loo = normal_locs(), exact_cells.normal_quadratic(0.0, "reinforce-loo", 4, 5)
    score = exact_cells.normal_quadratic(0.0, "reinforce-loo", 4, 5)
    leaky = replace(loo, estimator=create("reinforce", baseline=OwnMean()))
    attached = replace(score, estimator=Attached(baseline=0.0))
    plain = replace(score, estimator=create("reinforce"))
    warm = exact_cells.concrete(0.5, DIMENSIONS)
    warmer = replace(warm, estimator=create("gumbel-softmax", temperature=0.55))
    two = torch.ones(DIMENSIONS, dtype=torch.float64)
    two[:2] = SCALE
    exact = locs.truth.gradient
    changes = {
        "gradient × 1.02": lambda g: SCALE * g,
        "2 of 10 coordinates × 1.02": lambda g: two * g,
        "variance + 10 %": lambda g: exact + 1.1**0.5 * (g - exact),
    }
    altered = [
        Fault(name, lambda seed: cell(locs, seed), lambda seed, c=change: cell(locs, seed, c))
        for name, change in changes.items()
    ]
    pairs = {
        "baseline that sees its own sample": (loo, leaky),
        "missing detach": (plain, attached),
        "temperature + 10 %": (warm, warmer),
    }
    return altered + [
        Fault(name, lambda seed, a=a: cell(a, seed), lambda seed, b=b: cell(b, seed))
        for name, (a, b) in pairs.items()
    ]


def found(before: Cell, after: Cell, replicates: int) -> bool:
    """Whether the comparison of two cells raises an alarm."""
    a, b = _rows(before, replicates), _rows(after, replicates)
    mean = mean_change(a, b, before.truth.gradient.numpy())
    return mean.alarm or variance_change(a, b).alarm


def _rows(one: Cell, replicates: int) -> Rows:
    plan = Plan.of(replicates, one.problem.numbers(one.samples))
    return replicate(one, plan).table.rows


def power(common: int, independent: int, seeds: Callable[[int], range]) -> Iterator[Line]:
    """P1 and P2, over so many trials of each fault."""
    for fault in faults():
        hits = [found(fault.before(s), fault.after(s), 2_000) for s in seeds(common)]
        yield share("P1", f"found with common random numbers, R = 2,000: {fault.name}", hits, 0.99)
    for fault in faults():
        hits = [found(fault.before(s), fault.after(s + 10**6), 40_000) for s in seeds(independent)]
        yield share("P2", f"found with other seeds, R = 40,000: {fault.name}", hits, 0.95)


def reordering(count: int, seeds: Callable[[int], range]) -> Line:
    """F3: float32 sums in another order raise no alarm."""
    exact_cell = exact_cells.normal_quadratic(0.0, "reinforce-loo", 8, 5)
    problem = exact_cell.problem.to(CPU, torch.float32)
    other = Reordered(baseline=exact_cell.estimator.baseline)

    def of(estimator: Reinforce, seed: int) -> Cell:
        return Cell(problem, exact_cell.truth, estimator, exact_cell.samples, seed, CPU)

    alarms = [found(of(exact_cell.estimator, s), of(other, s), 2_000) for s in seeds(count)]
    return share("F3", "alarms after re-ordering float32 sums", alarms, 0.0, 0.0)
