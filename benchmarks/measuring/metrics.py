"""What is found in the replicates of a cell, as fields of its measurement."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch.distributions import Independent

from benchmarks.measuring.cell import Cell, Replicates
from benchmarks.statistics import bias_test, intervals, tail_index
from benchmarks.statistics.direction import NO_DIRECTION, assess_direction
from benchmarks.statistics.long_vectors import LongRows
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.moments import Moments, Rows
from benchmarks.statistics.random_projections import sketch

HEAVY_TAILED = (
    "Its tails are so heavy (`heavy_tailed`) that the mean of these replicates says little about "
    "the mean of all: neither biased nor unbiased can be said."
)


def statistics(cell: Cell, replicated: Replicates) -> dict:
    """Variance, bias and what follows from them."""
    whole, rows = replicated.whole, replicated.table.rows
    variance = intervals.variance_interval(whole)
    found = {
        **_ends("variance", variance),
        "kurtosis": intervals.kurtosis(whole),
        "parameters": parameters(cell, whole),
        "variance_jackknife": intervals.jackknife_variances(rows).tolist(),
        "blocks": block_sums(rows),
        "heavy_tailed": tail_index.is_heavy(replicated.largest, variance.value),
        "bias_verdict": "no truth",
        "direction_verdict": "no truth",
    }
    if variance.value > 0:
        found |= _ends("snr", intervals.snr_interval(rows))
    if cell.truth is None:
        return found
    measured = MeasuredGradient(
        whole,
        rows,
        cell.truth.gradient.numpy(),
        cell.truth.error.numpy(),
        _eps(cell),
        float(replicated.largest_cost),
        found["heavy_tailed"],
    )
    found |= bias(measured) | direction(measured)
    norm = float(cell.truth.gradient.norm())
    return found | {
        "truth_error": float(cell.truth.error.norm()) / norm if norm > 0 else math.nan,
        "gradient_norm": norm,
        "mse": variance.value + found["bias2"],
        "cosine": float(replicated.cosine) / replicated.count,
        "wrong_way": float(replicated.wrong_way) / replicated.count,
        "reason": " ".join(_cautions(measured, found)) or None,
    }


def bias(measured: MeasuredGradient) -> dict:
    """How far E ĝ is from g."""
    found = bias_test.assess(measured)
    return {
        **_ends("bias2", found.squared),
        "bias_p": found.p,
        "bias_verdict": found.verdict,
        "bias_limit": found.limit,
        "replicates_to_decide": found.replicates_to_decide,
    }


def direction(measured: MeasuredGradient) -> dict:
    """What an optimiser sees of a bias; nothing where g is 0."""
    found = assess_direction(measured)
    if found is None:
        return {"direction_verdict": "undetermined"}
    return {
        **_ends("scale", found.scale),
        **_ends("direction_bias", found.bias),
        **_ends("variance_scaled", found.variance_scaled),
        "direction_verdict": found.verdict,
    }


def _cautions(measured: MeasuredGradient, found: dict) -> Iterator[str]:
    """Why a verdict is not given, a sentence each."""
    if measured.heavy and found["bias_verdict"] == "undetermined":
        yield HEAVY_TAILED
    if measured.gradient_is_zero:
        yield NO_DIRECTION


def _ends(name: str, interval: intervals.Interval) -> dict:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def block_sums(rows: Rows | LongRows) -> dict[str, np.ndarray]:
    """The blocks of replicates: count [M], mean [M, P] and Σ ‖g − mean‖² [M].

    Of long vectors, the mean is as files have it: its random projections [M, 64].
    """
    found = {"count": rows.count, "m2": rows.m2.sum(-1)}
    means = intervals.means_of(rows)
    means = sketch(means) if isinstance(rows, LongRows) else means
    return {"mean": means} | {name: value.cpu().numpy() for name, value in found.items()}


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


def _eps(cell: Cell) -> float:
    """The rounding of the dtype, or of what another framework computes, where that is more."""
    dtype = next(iter(cell.problem.parameters.values())).dtype
    dist = cell.problem.dist()
    while isinstance(dist, Independent):
        dist = dist.base_dist
    return max(torch.finfo(dtype).eps, getattr(dist, "function_eps", 0.0))
