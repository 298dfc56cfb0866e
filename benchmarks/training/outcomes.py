"""What training with an estimator comes to: the same start, optimiser and budget for each.

Every training goes on until two budgets are spent, so that it can be read at equal cost evaluations
and at equal time. What the objective has become is told by one common estimate.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks import problems
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.machine.timing import one_thread
from benchmarks.measuring.cell import CountedCost
from benchmarks.measuring.task import ending
from benchmarks.objective.definition import Problem, ProblemError, unvalidated
from benchmarks.problems.trajectories import trajectories, trajectory
from estimators import Estimator, create, evaluate

POINTS = 8  # of each budget, at which the objective is evaluated
DRAWS = 512  # of an objective that is no finite sum: the same random numbers for all weights
NUMBERS = 2**22  # held at once by an evaluation of the objective


@dataclass(frozen=True)
class Budget:
    """What each training may spend, and the optimiser's learning rate."""

    evaluations: float = 1000  # of the cost, for each element of the batch
    seconds: float = 1.0  # of the processor, for estimating and stepping alone
    learning_rate: float = 3e-3

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"The {name.replace('_', ' ')} must be above 0, not {value}.")

    def due(self) -> list[tuple[str, float]]:
        """(name, share) of every point of both budgets."""
        shares = [point / POINTS for point in range(1, POINTS + 1)]
        return [(name, share) for name in ("evaluations", "seconds") for share in shares]


@dataclass
class Spent:
    """How far a training has come."""

    steps: int = 0
    evaluations: float = 0.0
    seconds: float = 0.0

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Add the processor time that the block takes."""
        start = time.thread_time()
        yield
        self.seconds += time.thread_time() - start

    def has(self, share: float, name: str, budget: Budget) -> bool:
        """Whether this share of one budget is spent."""
        return getattr(self, name) >= share * getattr(budget, name)


def start_of(name: str) -> Problem:
    """The problem at the first stage of its training; without stages, as it is.

    ValueError for an unknown name; ProblemError where objectives at several K are not the same.
    """
    problem = problems.load(trajectory(name)[0][1] if name in trajectories() else name)
    if problem.reduction is not None:
        raise ProblemError(
            f"The objective of problem {name!r} depends on K, so that outcomes are not to be "
            "compared; choose a problem whose objective is the mean cost."
        )
    return problem


def outcomes(
    problem: Problem,
    estimators: Sequence[str | Estimator],
    samples: Sequence[int],
    seeds: int,
    budget: Budget,
    starting: Callable[[str], None] = lambda cell: None,
) -> Iterator[list[dict]]:
    """Train with every estimator × K from every seed, and yield the rows of each training.

    A row has problem, estimator, config, samples, seed, `budget` (evaluations or seconds), the
    `share` of it that was spent, steps, evaluations, seconds and `objective`. An estimator that
    cannot do it gives rows with a `reason` and no objective.
    """
    for count in samples:
        for given in estimators:
            estimator = create(given) if isinstance(given, str) else given
            facts = {"problem": problem.name, "estimator": str(estimator)}
            facts |= {"config": estimator.config_json, "samples": count}
            refusal = estimator.unsupported(problem.differentiable_dist(), count)
            for seed in range(seeds):
                starting(f"{problem.name} · {estimator}, seed {seed} · K={count}")
                try:
                    found = [] if refusal else list(train(problem, estimator, count, seed, budget))
                except (
                    Exception,
                    SystemExit,
                ) as failure:  # whatever it does, it must not stop the others
                    found, refusal = [], ending(failure)["reason"]
                rows = found or [{"reason": refusal}]
                yield [{**facts, "seed": seed, **row} for row in rows]


def train(
    problem: Problem, estimator: Estimator, samples: int, seed: int, budget: Budget
) -> Iterator[dict]:
    """One training by Adam: a row at its start, and at each share of each budget when it is spent.

    What an estimator learns, it learns at the start, which counts. The random numbers of a step
    are the same for every estimator. A gradient that is not finite ends it: the objective is then
    infinite.
    """
    counted, spent, due = CountedCost(problem.cost), Spent(), budget.due()
    weights = {name: w.detach().clone().requires_grad_() for name, w in problem.measured.items()}
    optimiser = torch.optim.Adam(list(weights.values()), lr=budget.learning_rate)
    batch, finite = problem.dist().batch_shape.numel(), True
    with one_thread(), unvalidated():
        value = objective(problem)
        yield from ({**_point(name, 0.0, spent), "objective": value} for name in dict(due))
        with stream(_key(problem, samples, seed, "fit")), spent.clock():
            estimator = copy.deepcopy(estimator).fitted(problem.dist(1), counted, samples)
        while due:
            with stream(_key(problem, samples, seed, spent.steps)), spent.clock():
                finite = _step(at(problem, weights), estimator, samples, counted, optimiser)
            spent.steps += 1
            spent.evaluations = counted.counts.evaluations / batch
            passed = [d for d in due if not finite or spent.has(d[1], d[0], budget)]
            due = [d for d in due if d not in passed]
            if passed:
                value = objective(at(problem, weights)) if finite else math.inf
            yield from ({**_point(*d, spent), "objective": value} for d in passed)


def at(problem: Problem, values: dict[str, Tensor]) -> Problem:
    """The problem with other values of what is measured."""
    values = {name: value.detach() for name, value in values.items()}
    if problem.network is None:
        return replace(problem, parameters=values)
    return replace(problem, weights=values, parameters=problem.network(**values))


def objective(problem: Problem) -> float:
    """E[f], the mean over the batch: summed over a finite support, else by `DRAWS` samples."""
    dist, exact = problem.dist(), create("enumeration")
    with torch.no_grad():
        if exact.unsupported(dist) is None:
            return float(exact.surrogate(dist, problem.cost).mean())
        size = min(max(NUMBERS // problem.numbers(1), 1), DRAWS)
        with stream(stream_key("objective", problem.name)):
            parts = [dist.sample((size,)) for _ in range(DRAWS // size)]
        return sum(float(evaluate(problem.cost, x, dist).mean()) for x in parts) / len(parts)


def _step(problem: Problem, estimator: Estimator, samples: int, counted, optimiser) -> bool:
    """One step of the optimiser along one estimate; whether that was finite."""
    (gradient,) = problem.gradients(estimator, samples, 1, counted)
    leaves = optimiser.param_groups[0]["params"]
    parts = gradient.detach().split([leaf.numel() for leaf in leaves])
    for leaf, part in zip(leaves, parts, strict=True):
        leaf.grad = part.reshape(leaf.shape)
    optimiser.step()
    return bool(gradient.isfinite().all())


def _key(problem: Problem, samples: int, seed: int, step: int | str) -> int:
    return stream_key("train", seed, problem.name, samples, step)


def _point(name: str, share: float, spent: Spent) -> dict:
    return {"budget": name, "share": share, **vars(spent)}
