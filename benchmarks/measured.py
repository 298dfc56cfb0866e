"""Measure one estimator on one problem: problem → replicates → moments → measurement."""

from collections.abc import Mapping

import numpy as np
import torch

from benchmarks.cautions import cautions
from benchmarks.cell import Blocks, Cell, Replicates, in_turn, replicate
from benchmarks.checks import check, completed
from benchmarks.data_noise import data_variance
from benchmarks.learning import learning
from benchmarks.measurement import Measurement
from benchmarks.measuring import bias, intervals, tails, timing
from benchmarks.measuring.moments import Moments, Rows
from benchmarks.measuring.stopping import Plan, StoppingRule, first_look
from benchmarks.pieces import examine
from benchmarks.problem import Problem, unvalidated
from benchmarks.truth import Truth, find_truth, truth_of_draws
from estimators import Estimator, Unsupported, create

TIMED_DTYPE = torch.float32


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
) -> Measurement:
    """Variance, bias and cost of `estimator` on `problem`, each with its 95 % interval.

    `samples` is K, `replicates` R. With `precision`, go on until the variance interval's relative
    half-width is below it or R is reached. A refusal is a Measurement with status "n/a", a failure
    of the estimator one with status "error"; a mistake in the problem raises ProblemError, and a
    nonsensical argument ValueError.
    """
    problem = completed(problem)
    check(problem)
    examine(problem)
    return measure_checked(
        problem, find_truth(problem), estimator, samples, replicates, seed, device, dtype,
        precision, timed,
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
                facts |= cost(cell, plan, facts)
        except Exception as failure:  # whatever an estimator does, it must not stop a sweep
            facts |= ending(failure)
    return Measurement(**facts)


def time_measured(problem: Problem, estimator: Estimator | str, found: Mapping) -> dict:
    """What timing adds to the statistics `found` of a cell that was measured without.

    `found` is the cell's record; what comes back are changes to it, a failure included.
    """
    estimator = create(estimator) if isinstance(estimator, str) else estimator
    device, samples = torch.device(found["device"]), found["samples"]
    with timing.one_thread(), unvalidated():
        try:
            moved = problem.to(device, getattr(torch, found["dtype"]))
            cell = Cell(moved, None, estimator, samples, found["seed"], device)
            return cost(cell, plan_of(problem, samples, found["budget"], found["precision"]), found)
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
    first = (str(failure).strip().splitlines() or ["no message"])[0]
    return {"status": "error", "reason": f"{type(failure).__name__}: {first}"}


def statistics(cell: Cell, replicated: Replicates) -> dict:
    """Variance, bias and what follows from them."""
    whole, rows = replicated.table.whole(), replicated.table.rows
    variance = intervals.variance_interval(whole)
    found = {
        "variance": variance.value,
        "variance_low": variance.low,
        "variance_high": variance.high,
        "kurtosis": intervals.kurtosis(whole),
        "parameters": parameters(cell, whole),
        "variance_jackknife": intervals.jackknife_variances(rows).tolist(),
        "blocks": block_sums(rows),
        "heavy_tailed": tails.is_heavy(replicated.largest, variance.value),
        "bias_verdict": "no truth",
    }
    if variance.value > 0:
        snr = intervals.snr_interval(rows)
        found |= {"snr": snr.value, "snr_low": snr.low, "snr_high": snr.high}
    if cell.truth is None:
        return found
    eps = torch.finfo(next(iter(cell.problem.parameters.values())).dtype).eps
    truth, error = cell.truth.gradient.numpy(), cell.truth.error.numpy()
    error = np.hypot(error, 10 * eps * float(replicated.largest_cost))  # the cost's own rounding
    b = bias.assess(whole, rows, truth, error, eps)
    return found | {
        "bias2": b.squared.value,
        "bias2_low": b.squared.low,
        "bias2_high": b.squared.high,
        "bias_p": b.p,
        "bias_verdict": b.verdict,
        "bias_limit": b.limit,
        "replicates_to_decide": b.replicates_to_decide,
        "truth_error": float(cell.truth.error.norm() / cell.truth.gradient.norm()),
        "gradient_norm": float(cell.truth.gradient.norm()),
        "mse": variance.value + b.squared.value,
        "cosine": float(replicated.cosine) / replicated.count,
        "wrong_way": float(replicated.wrong_way) / replicated.count,
    }


def block_sums(rows: Rows) -> dict[str, np.ndarray]:
    """The blocks of replicates: count [M], mean [M, P] and Σ ‖g − mean‖² [M]."""
    found = {"count": rows.count, "mean": rows.mean, "m2": rows.m2.sum(-1)}
    return {name: value.cpu().numpy() for name, value in found.items()}


def parameters(cell: Cell, whole: Moments) -> dict[str, np.ndarray]:
    """What is known of each parameter: arrays [P], flattened in the order of the problem's."""
    value, low, high = intervals.parameter_variances(whole)
    found = {
        "mean": whole.mean[0].cpu().numpy(),
        "variance": value,
        "variance_low": low,
        "variance_high": high,
    }
    if cell.truth is not None:
        found |= {"truth": cell.truth.gradient.numpy(), "truth_error": cell.truth.error.numpy()}
    return found


def data_noise(cell: Cell) -> dict:
    """The variance that comes from the minibatch."""
    found = data_variance(cell.problem, cell.estimator, cell.samples, cell.seed, cell.device)
    return {
        "data_variance": found.value,
        "data_variance_low": found.low,
        "data_variance_high": found.high,
    }


def health(cell: Cell, replicated: Replicates) -> dict:
    """Shares of replicates that are not finite or exactly zero, and what the cost was asked."""
    n = replicated.count
    batch = cell.problem.dist().batch_shape.numel()
    return {
        "replicates": n,
        "stopped": replicated.stopped,
        "unhealthy": float(replicated.unhealthy) / n,
        "zero": float(replicated.zero) / n,
        "nonfinite_costs": float(replicated.nonfinite_costs) / max(replicated.evaluations, 1),
        "evaluations": replicated.evaluations / n / batch,
    }


def cost(cell: Cell, plan: Plan, found: Mapping) -> dict:
    """Seconds and bytes of an estimate, and variance × seconds: `found` has the variance."""
    fast = Cell(
        cell.problem.to(cell.device, TIMED_DTYPE), None, cell.estimator, cell.samples, cell.seed,
        cell.device,
    )  # fmt: skip
    try:
        fast.block(0, 2)
    except RuntimeError:  # a cost that holds float64 tensors of its own
        fast = cell
    fitted = fast.fitted(0, plan.block)

    def block():
        return fast.block(0, plan.block, fitted=fitted)

    peak = timing.peak_memory(block, cell.device)
    timed = timing.time_block(block, plan.block, cell.device)
    work = intervals.product_interval(
        found["variance"], found["kurtosis"], found["replicates"], timed.seconds, timed.log_sd,
        timed.rounds,
    )  # fmt: skip
    return {
        "seconds": timed.seconds,
        "seconds_low": timed.low,
        "seconds_high": timed.high,
        "gradients_per_second": 1 / timed.seconds,
        "peak_memory_bytes": peak,
        "work_variance": work.value,
        "work_variance_low": work.low,
        "work_variance_high": work.high,
    }


def _unhealthy(replicated: Replicates) -> str:
    share = float(replicated.unhealthy) / replicated.count
    return (
        f"{share:.3%} of {replicated.count} gradients are not finite, so the variance does not "
        "exist; use float64, a higher temperature or less extreme parameters."
    )
