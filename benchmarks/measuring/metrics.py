"""What is found in the replicates of a cell, as fields of its measurement."""

import numpy as np
import torch

from benchmarks.measuring.cell import Cell, Replicates
from benchmarks.measuring.minibatch_variance import data_variance
from benchmarks.statistics import bias_test, intervals, tail_index
from benchmarks.statistics.moments import Moments, Rows


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
        "heavy_tailed": tail_index.is_heavy(replicated.largest, variance.value),
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
    b = bias_test.assess(whole, rows, truth, error, eps)
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
