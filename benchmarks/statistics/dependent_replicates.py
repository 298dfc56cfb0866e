"""The noise of a variance where neighbouring replicates depend on each other, within a row."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.statistics.intervals import jackknife_variances
from benchmarks.statistics.long_vectors import LongRows
from benchmarks.statistics.moments import Moments, Rows


def with_noise_of_rows(whole: Moments, rows: Rows | LongRows) -> Moments:
    """The moments `whole` with every κ no less than the `rows`, which are independent, say.

    κ − 1 = R Var(log V̂), by the jackknife over rows, raises Σ‖d‖⁴ and Σd⁴; of long vectors the
    former alone.
    """
    kappa = _kurtosis(torch.from_numpy(jackknife_variances(rows)), rows.count)
    raised = {"q4": _raised(whole.q4, whole.m2.sum(-1), kappa, whole.count)}
    if isinstance(rows, Rows):
        raised["m4"] = _raised(
            whole.m4, whole.m2, _kurtosis(_without(rows), rows.count), whole.count
        )
    return replace(whole, **raised)


def _without(rows: Rows) -> Tensor:
    """The variance of each parameter without each row: [M, P]."""
    n, total = rows.count.unsqueeze(-1), rows.count.sum()
    off2 = (rows.mean - (n * rows.mean).sum(0) / total).square()
    left = (rows.m2 + n * off2).sum(0) - rows.m2 - total * n / (total - n) * off2
    return left / (total - n - 1)


def _kurtosis(without: Tensor, count: Tensor) -> Tensor:
    """1 + R Var(log V̂) from variances `without` [M, ...] each row: [...]; 1 where one is zero."""
    log = without.log()
    m = len(log)
    spread = (m - 1) / m * (log - log.mean(0)).square().sum(0)
    return 1 + count.sum() * spread.nan_to_num(0.0, 0.0, 0.0)


def _raised(fourth: Tensor, second: Tensor, kappa: Tensor, count: Tensor) -> Tensor:
    """Σ d⁴ of at least this κ, beside Σ d²."""
    return torch.maximum(fourth, kappa * second.square() / count)
