"""Measure one estimator on one problem: problem → replicates → moments → measurement."""

from collections.abc import Mapping

import torch

from benchmarks import compiling
from benchmarks.cautions import cautions
from benchmarks.cell import Blocks, Cell, Replicates, in_turn, replicate
from benchmarks.checks import check, completed
from benchmarks.facts import cost, data_noise, health, statistics
from benchmarks.learning import learning
from benchmarks.measurement import Measurement
from benchmarks.measuring import timing
from benchmarks.measuring.stopping import Plan, StoppingRule, first_look
from benchmarks.pieces import examine
from benchmarks.problem import Problem, unvalidated
from benchmarks.truth import Truth, find_truth, truth_of_draws
from estimators import Estimator, Unsupported, create


def measure(
    problem: Problem,
    estimator: Estimator | str,
    samples: int = 1,
    replicates: int = 10_000,
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float64,
    precision: float | None = None,
    timed: bool = True,
    compiled: bool = False,
) -> Measurement:
    """Variance, bias and cost of `estimator` on `problem`, each with its 95 % interval.

    `samples` is K, `replicates` R. With `precision`, go on until the variance interval's relative
    half-width is below it or R is reached. If `compiled`, try `torch.compile`: on the loop that is
    timed, and on all of a large cell, whose gradients are then the same to rounding.

    A refusal is a Measurement with status "n/a", a failure of the estimator one with status
    "error"; a mistake in the problem raises ProblemError, and a nonsensical argument ValueError.
    """
    problem = completed(problem)
    check(problem)
    examine(problem)
    return measure_checked(
        problem, find_truth(problem), estimator, samples, replicates, seed, device, dtype,
        precision, timed, compiled,
    )  # fmt: skip


def measure_checked(
    problem: Problem,
    truth: Truth | None,
    estimator: Estimator | str,
    samples: int,
    replicates: int,
    seed: int,
    device: str | torch.device,
    dtype: torch.dtype,
    precision: float | None = None,
    timed: bool = True,
    compiled: bool = False,
    spread: Blocks = in_turn,
) -> Measurement:
    """`measure`, of a problem that was checked and whose truth is known."""
    estimator = create(estimator) if isinstance(estimator, str) else estimator
    if samples < 1:
        raise ValueError(f"samples={samples}: an estimate needs at least one sample, K ≥ 1.")
    if problem.reduction is not None:
        truth = truth_of_draws(problem, samples)
    cell = Cell(problem.to(device, dtype), truth, estimator, samples, seed, torch.device(device))
    plan = plan_of(problem, samples, replicates, precision)
    rule = StoppingRule(precision, replicates) if precision else None
    facts = {
        "problem": problem.name,
        "problem_version": problem.version,
        "estimator": str(estimator),
        "config": estimator.config_json,
        "samples": samples,
        "replicates": replicates,
        "budget": replicates,
        "precision": precision,
        "seed": seed,
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
        "truth_method": truth.method if truth else "none",
        "truth_note": (truth.note or None) if truth else None,
    }
    with timing.one_thread(), unvalidated():
        drawn, draws = cell.problem.drawn(samples)
        reason = estimator.unsupported(drawn.differentiable_dist(), draws)
        if reason and draws < samples:
            reason += f" (This objective makes one value of its {samples} samples.)"
        if reason:
            return Measurement(**facts, status="n/a", reason=reason)
        try:
            large = compiling.pays(problem.numbers(samples), replicates)
            if compiled and large and spread is in_turn:
                cell, _ = compiling.compiled(cell, lambda cell, i: cell.counted(i, plan.block)[0])
            replicated = replicate(cell, plan, rule, spread)
            facts |= health(cell, replicated)
            if replicated.unhealthy:
                return Measurement(**facts, status="error", reason=_unhealthy(replicated))
            facts |= statistics(cell, replicated)
            facts |= learning(cell, plan)
            if problem.minibatch is not None:
                facts |= data_noise(cell)
            facts |= cautions(cell, facts, replicated.count)
            if timed:
                facts |= cost(cell, plan, facts, compiled)
        except Exception as failure:  # whatever an estimator does, it must not stop a sweep
            facts |= ending(failure)
    return Measurement(**facts)


def time_measured(
    problem: Problem, estimator: Estimator | str, found: Mapping, compiled: bool = False
) -> dict:
    """What timing adds to the statistics `found` of a cell that was measured without.

    `found` is the cell's record; what comes back are changes to it, a failure included.
    """
    estimator = create(estimator) if isinstance(estimator, str) else estimator
    device, samples = torch.device(found["device"]), found["samples"]
    with timing.one_thread(), unvalidated():
        try:
            moved = problem.to(device, getattr(torch, found["dtype"]))
            cell = Cell(moved, None, estimator, samples, found["seed"], device)
            plan = plan_of(problem, samples, found["budget"], found["precision"])
            return cost(cell, plan, found, compiled)
        except Exception as failure:
            return ending(failure)


def plan_of(problem: Problem, samples: int, replicates: int, precision: float | None) -> Plan:
    """The blocks of a cell."""
    start = first_look(replicates) if precision else None
    return Plan.of(replicates, problem.numbers(samples), start)


def ending(failure: Exception) -> dict:
    """How a cell ends with an exception: its status, and the reason in one line."""
    if isinstance(failure, Unsupported):
        return {"status": "n/a", "reason": str(failure)}
    says = str(failure).strip() or type(failure).__doc__ or "no message"
    return {"status": "error", "reason": f"{type(failure).__name__}: {says.splitlines()[0]}"}


def _unhealthy(replicated: Replicates) -> str:
    share = float(replicated.unhealthy) / replicated.count
    return (
        f"{share:.3%} of {replicated.count} gradients are not finite, so the variance does not "
        "exist; use float64, a higher temperature or less extreme parameters."
    )
