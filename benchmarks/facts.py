"""What is found in the replicates of a cell, as fields of its measurement."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks import compiling
from benchmarks.cell import Cell, Replicates
from benchmarks.data_noise import data_variance
from benchmarks.measuring import bias, intervals, tails, timing
from benchmarks.measuring.moments import Moments, Rows
from benchmarks.measuring.stopping import Plan

TIMED_DTYPE = torch.float32
FEW = 16  # replicates that are timed at least
LONGEST = 0.2  # seconds of a block to be timed again and again; of a longer one, a part is


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


def cost(cell: Cell, plan: Plan, found: Mapping, compiled: bool = False) -> dict:
    """Seconds and bytes of an estimate, and variance × seconds: `found` has the variance.

    If `compiled`, of the loop under `torch.compile`, where that is quicker.
    """
    fast = Cell(
        cell.problem.to(cell.device, TIMED_DTYPE), None, cell.estimator, cell.samples, cell.seed,
        cell.device,
    )  # fmt: skip
    size = timed_block(min(plan.block, plan.replicates), found["evaluations"] / cell.samples)
    try:
        timed, peak, compile_seconds = timings(fast, size, compiled)
    except RuntimeError:  # a cost that holds float64 tensors of its own
        timed, peak, compile_seconds = timings(cell, size, compiled)
    work = intervals.product_interval(
        found["variance"], found["kurtosis"], found["replicates"], timed.seconds, timed.log_sd,
        timed.rounds,
    )  # fmt: skip
    return {
        "seconds": timed.seconds,
        "seconds_low": timed.low,
        "seconds_high": timed.high,
        "gradients_per_second": 1 / timed.seconds,
        "compile_seconds": compile_seconds,
        "peak_memory_bytes": peak,
        "work_variance": work.value,
        "work_variance_low": work.low,
        "work_variance_high": work.high,
    }


def timings(cell: Cell, size: int, compiled: bool) -> tuple[timing.Timing, int, float]:
    """The seconds of an estimate, the bytes of a block of `size` replicates, those of compiling."""
    block = ready(cell, size)
    timing.peak_memory(lambda: torch.zeros(1), cell.device)  # imports a second's worth, once
    start = time.thread_time()
    peak = timing.peak_memory(lambda: block(cell), cell.device)
    seconds = time.thread_time() - start
    if seconds > LONGEST:
        size = max(min(size, FEW), int(size * LONGEST / seconds))
        block = ready(cell, size)
    fast, spent = compiling.compiled(cell, block) if compiled else (cell, math.nan)
    timed = timing.time_block(lambda: block(fast), size, cell.device)
    return timed, peak, math.nan if fast is cell else spent


def ready(cell: Cell, size: int) -> Callable[..., Tensor]:
    """Makes blocks of `size` replicates of a cell; what it learns is learned before.

    One step of learning has to do: the work of an estimate does not depend on what was learned.
    """
    if cell.estimator.config.get("fit_steps"):
        cell = replace(cell, estimator=replace(cell.estimator, fit_steps=1))
    fitted = cell.fitted(0, size)
    return lambda cell, index=0: cell.block(index, size, fitted=fitted)


def timed_block(block: int, evaluations: float) -> int:
    """The replicates to time at once: fewer where each evaluates the cost many times a sample.

    Such an estimate is a batch in itself, and a whole block of them would take seconds.
    """
    return max(min(block, FEW), int(block * min(1.0, 4 / max(evaluations, 1.0))))
