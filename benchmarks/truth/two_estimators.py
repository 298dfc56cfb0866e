"""A truth where no other is reached: unbiased estimators of different kinds that agree."""

import json
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.objective.truth import Truth
from benchmarks.truth.agreement import Agreement, compare_rows
from benchmarks.truth.jumps import largest_jump
from benchmarks.truth.work import counted
from estimators import Estimator, Unsupported, create
from estimators.programs import Joint, Strategies

# Kinds rest on different identities, so that one mistake does not go through two of them.
KINDS = (
    ("pathwise", "implicit"),
    ("reinforce-loo",),
    ("measure-valued", "disarm", "rebar", "stochastic-triples"),
)
THROUGH = {"pathwise", "implicit", "rebar"}  # see no jump of the cost
SAMPLES = 16
ROWS = 256  # of replicates, whose means are compared
FEWEST, MOST = 2, 512  # replicates in a row
WORK = 1e9  # of each run, in numbers written: two or three seconds
THIRD = 2**20  # numbers × parameters up to which a third kind is tried beside two
AT_ONCE = 2**24  # numbers written by one batch of replicates
PILOT = 16  # replicates whose work is counted
CLOSE = 0.02  # of ‖g‖: a disagreement that is excluded beyond this is small enough
DISAGREE = 1e-4  # level at which two runs are said to disagree
SEED = 1_000_003  # far from those of measurements, so that a truth shares no noise with them


def held_by_runs(parameters: int) -> int:
    """Bytes that two runs of P = `parameters` and their comparison hold, at least."""
    return 10 * 8 * ROWS * parameters


def agreed_truth(problem: Problem) -> Truth | None:
    """The mean of the two quietest runs, weighted by precision; None if no two agree.

    A run of each kind is made that the problem admits, with twice and twice as many replicates,
    until two are shown to agree within 2 % of ‖g‖ or the work of each is spent: what is counted is
    replicates and numbers, not seconds, so that the answer is the same every time. Kinds that go
    through the derivative of the cost are left out where it jumps. None where any two disagree:
    then one of them is biased here. `disagreement` is what their comparison does not exclude.
    """
    if problem.truth != "auto" or problem.reduction is not None or callable(problem.minibatch):
        return None
    problem = problem.to("cpu", torch.float64)
    with unvalidated():
        runs, jump = _runs(problem)
        if len(runs) < 2:
            return None
        pair, agreement = _until_close(runs)
    return None if pair is None else _combined(*pair, agreement, jump)


@dataclass
class Run:
    """Replicates of one estimator, added up in rows; more can be made."""

    problem: Problem
    estimator: Estimator
    sums: Tensor | float = 0.0  # [ROWS, P]
    count: int = 0  # replicates in each row
    each: float = 0.0  # numbers written for one replicate

    @classmethod
    def begun(cls, problem: Problem, estimator: Estimator) -> "Run | None":
        """A run without a replicate, or None if the estimator refuses."""
        run = cls(problem, estimator)
        if estimator.unsupported(problem.differentiable_dist(), SAMPLES):
            return None
        try:
            _, work = counted(lambda: run._drawn(0, PILOT, 1))
        except (Unsupported, RuntimeError, ValueError):
            return None
        run.each = work / PILOT
        return run

    def more(self) -> bool:
        """Twice as many replicates, if the work allows; whether any were added."""
        target = max(2 * self.count, FEWEST)
        if self.count and (target > MOST or target * ROWS * self.each > WORK):
            return False
        while self.count < target:
            self._add(min(FEWEST, target - self.count))
        return True

    @property
    def least(self) -> float:
        """The work of as many replicates as a run has at least."""
        return FEWEST * ROWS * self.each

    @property
    def rows(self) -> np.ndarray:
        """The mean of each row: [ROWS, P]."""
        return (self.sums / self.count).numpy()

    def _add(self, count: int) -> None:
        """So many replicates more in each row, as many rows at once as fit."""
        height = int(max(1, min(AT_ONCE // (count * self.each), ROWS)))
        tops = range(0, ROWS, height)
        parts = [self._drawn(top, min(height, ROWS - top), count) for top in tops]
        self.sums = self.sums + torch.cat(parts)
        self.count += count

    def _drawn(self, top: int, rows: int, count: int) -> Tensor:
        """The sums of `count` new replicates in each of some rows: [rows, P]."""
        with stream(
            stream_key("truth", SEED, self.problem.name, str(self.estimator), self.count, top)
        ):
            g = self.problem.gradients(self.estimator, SAMPLES, rows * count)
        return g.detach().reshape(rows, count, -1).sum(1)


def _runs(problem: Problem) -> tuple[list[Run], float]:
    """A run of each kind that the problem admits, and the largest jump of its cost."""
    jump, runs = None, []
    size = problem.numbers(SAMPLES) * sum(v.numel() for v in problem.parameters.values())
    for kind in (*_at_nodes(problem), *KINDS):
        for name in kind:
            if len(runs) > 1 and size > THIRD:
                break
            run = Run.begun(problem, create(name) if isinstance(name, str) else name)
            if run is None or (len(runs) > 1 and run.least > WORK):
                continue
            if isinstance(name, Estimator) or name in THROUGH:
                jump = largest_jump(problem) if jump is None else jump
                if jump:
                    continue
            runs.append(run)
            break
    return runs, jump or 0.0


def _at_nodes(problem: Problem) -> list[list[Estimator]]:
    """Of a program, a kind of its own: paths at continuous nodes, sums or scores at the others."""
    dist = problem.dist()
    if not isinstance(dist, Joint):
        return []
    found = {}
    for place in dist.layout.places:
        score = "enumeration" if place.table is not None and len(place.table) <= 16 else "reinforce"
        found[place.name] = score if place.discrete else "pathwise"
    return [[Strategies.of(found)]]


def _until_close(runs: list[Run]) -> tuple[tuple[Run, Run] | None, Agreement | None]:
    """The quietest pair and how well it agrees; no pair where any two disagree."""
    while True:
        added = [run.more() for run in runs]
        if not all(np.isfinite(run.rows).all() for run in runs):
            return None, None
        found = [(pair, compare_rows(*(run.rows for run in pair))) for pair in _pairs(runs)]
        pair, agreement = min(found, key=lambda one: one[1].noise)
        disagree = any(one.p < DISAGREE / len(found) for _, one in found)
        norm = np.linalg.norm(_weighted(*(run.rows for run in pair))[0])
        if not any(added) or (agreement.limit <= CLOSE * norm and not disagree):
            return (None, None) if disagree else (pair, agreement)


def _pairs(runs: list[Run]) -> list[tuple[Run, Run]]:
    return list(combinations(runs, 2))


def _weighted(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of two runs by precision and its standard error, parameter by parameter: [P]."""
    errors = [rows.std(0, ddof=1) / np.sqrt(ROWS) for rows in (ours, theirs)]
    both = np.hypot(*errors)
    share = np.divide(errors[1] ** 2, both**2, out=np.full_like(both, 0.5), where=both > 1e-150)
    mean = share * ours.mean(0) + (1 - share) * theirs.mean(0)
    error = np.divide(errors[0] * errors[1], both, out=np.zeros_like(both), where=both > 1e-150)
    return mean, error


def _combined(ours: Run, theirs: Run, agreement: Agreement, jump: float) -> Truth:
    mean, error = _weighted(ours.rows, theirs.rows)
    norm = float(np.linalg.norm(mean))
    note = {
        "runs": {str(run.estimator): ROWS * run.count for run in (ours, theirs)},
        "samples": SAMPLES,
        "p of agreement": float(f"{agreement.p:.2g}"),
        "agree within": f"{agreement.limit / norm:.2g} of ‖g‖" if norm > 0 else agreement.limit,
    }
    note |= {"the cost jumps by": float(f"{jump:.3g}")} if jump else {}
    gradient, error = torch.from_numpy(mean), torch.from_numpy(error)
    return Truth(
        gradient, error, "reference", json.dumps(note, ensure_ascii=False), agreement.limit
    )
