"""What training with an estimator comes to: the same start, optimiser and budget for each.

Every run goes on until two budgets are spent, so that it can be read at equal cost evaluations and
at equal time. Measured is what the objective is at points on the way, by a common estimate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks import problems
from benchmarks.cell import CountedCost
from benchmarks.measuring.streams import stream, stream_key
from benchmarks.measuring.timing import one_thread
from benchmarks.problem import Problem, ProblemError, unvalidated
from benchmarks.problems.stages import trajectories, trajectory
from estimators import Estimator, Unsupported, create

POINTS = 8  # of each budget, at which the weights are kept
DRAWS = 256  # of an objective that is no finite sum: the same random numbers for every weights
NUMBERS = 2**22  # held at once by an evaluation of the objective


@dataclass(frozen=True)
class Budget:
    """What each training may spend, and the optimiser's learning rate."""

    evaluations: float = 1000  # of the cost, for each element of the batch
    seconds: float = 1.0  # of the processor, spent on estimating and on steps alone
    learning_rate: float = 3e-3

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name.replace('_', ' ')} must be above zero, not {value}.")


@dataclass
class Spent:
    """How far a training has come."""

    steps: int = 0
    evaluations: float = 0.0
    seconds: float = 0.0


def start_of(name: str) -> Problem:
    """The problem at the first stage of its training; without stages, as it is."""
    return problems.load(trajectory(name)[0][1] if name in trajectories() else name)


def outcomes(
    problem: Problem,
    estimators: Sequence[Estimator | str],
    samples: Sequence[int],
    seeds: int,
    budget: Budget,
    starting: Callable[[str, int, str], None] = lambda *cell: None,
) -> Iterator[dict]:
    """Train with every estimator × K from every seed: a row for each point of each budget.

    A row has problem, estimator, config, samples, seed, `budget` (evaluations or seconds), `share`
    of it that was spent, steps, evaluations, seconds and `objective`. An estimator that cannot go
    there is one row with a `reason`.
    """
    if problem.reduction is not None:
        raise ProblemError(
            f"The objective of problem {problem.name!r} depends on K, so that outcomes cannot be "
            "compared; choose a problem whose objective is a mean cost."
        )
    for count in samples:
        for estimator in estimators:
            estimator = create(estimator) if isinstance(estimator, str) else estimator
            facts = {
                "problem": problem.name,
                "estimator": str(estimator),
                "config": estimator.config_json,
                "samples": count,
            }
            reason = estimator.unsupported(problem.differentiable_dist(), count)
            for seed in () if reason else range(seeds):
                starting(problem.name, count, f"{estimator}, seed {seed}")
                try:
                    for point in train(problem, estimator, count, seed, budget):
                        yield {**facts, "seed": seed, **point}
                except Unsupported as refusal:  # what only the cost can tell
                    reason = str(refusal)
                    break
            if reason:
                yield {**facts, "reason": reason}


def train(
    problem: Problem, estimator: Estimator, samples: int, seed: int, budget: Budget
) -> Iterator[dict]:
    """One training with Adam, a row at each share of each budget, as they are reached.

    What an estimator learns it learns at the start, which counts. The random numbers of a step are
    the same for every estimator. If the weights stop being finite, the objective is infinite from
    there on.
    """
    counted, spent = CountedCost(problem.cost), Spent()
    leaves = {name: w.detach().clone().requires_grad_() for name, w in problem.measured.items()}
    optimiser = torch.optim.Adam(list(leaves.values()), lr=budget.learning_rate)
    key = partial(stream_key, "train", seed, problem.name, samples)
    batch = problem.dist().batch_shape.numel()
    with one_thread(), unvalidated():
        with stream(key("fit")), _clock(spent):
            estimator = estimator.fitted(problem.dist(1), counted, samples)
        due = {name: [(i + 1) / POINTS for i in range(POINTS)] for name in ("evaluations", "seconds")}
        healthy = True
        while any(due.values()):
            if healthy:
                with stream(key(spent.steps)), _clock(spent):
                    healthy = _step(at(problem, leaves), estimator, samples, counted, optimiser)
                spent.steps += 1
                spent.evaluations = counted.evaluations / batch
            value = None
            for name, shares in due.items():
                limit = getattr(budget, name)
                while shares and (not healthy or getattr(spent, name) >= shares[0] * limit):
                    value = objective(at(problem, leaves)) if value is None else value
                    yield {"budget": name, "share": shares.pop(0), **vars(spent), "objective": value}
