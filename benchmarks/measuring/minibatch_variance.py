"""The part of a gradient's noise that comes from the minibatch, not from the estimator.

Over minibatches b, Var ĝ = E_b Var(ĝ | b) + Var_b E(ĝ | b): the first term is what `variance`
measures for one fixed batch, the second is the same for every unbiased estimator.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring.cell import Cell
from benchmarks.statistics.intervals import Interval, t_quantile
from benchmarks.statistics.long_vectors import LONG
from benchmarks.statistics.tiled_rows import TiledRows

BATCHES, FEWEST = 48, 4
REPLICATES = 4  # of each batch


def data_variance(cell: Cell) -> Interval:
    """tr Var_b E(ĝ | b) over random minibatches, with a 95 % interval; it may come out negative.

    NaN where the data make fewer than `FEWEST` different batches.
    """
    return between(on_batches(cell))


def on_batches(cell: Cell) -> Iterator[Tensor]:
    """A few gradients [R, P] of each batch.

    What an unbiased estimator learned on the first batch serves the others, whose means it does not
    move.
    """
    problem, fitted = cell.problem, None
    like = next(iter(problem.parameters.values()))
    for batch in range(int(min(BATCHES, problem.batches))):
        drawn = problem.on_batch(batch).to(cell.device, like.dtype)
        one = replace(cell, problem=drawn, truth=None, shares=None)
        if fitted is None or not cell.estimator.unbiased:
            fitted = one.fitted(batch, REPLICATES)
        yield one.block(batch, REPLICATES, fitted=fitted).double()


def between(gradients: Iterable[Tensor]) -> Interval:
    """The spread of the means over the batches, less the noise that each mean still has.

    A one-way analysis of variance, with a jackknife over batches.
    """
    means, noises = [], []
    for g in gradients:
        means.append(_kept(g.mean(0), means))
        noises.append(g.var(0).sum() / REPLICATES)
    if len(means) < FEWEST:
        return Interval(math.nan, math.nan, math.nan)
    return _between(_rows(means), torch.stack(noises).cpu().numpy())


def noise_within(gradients: list[Tensor]) -> float:
    """E_b tr Var(ĝ | b), of gradients [R, P] of some batches."""
    return float(sum(g.var(0).sum() for g in gradients) / max(len(gradients), 1))


def _kept(mean: Tensor, before: list[Tensor]) -> Tensor:
    """A mean [P] as it is; a long one as its distance from the first, in float32."""
    return (mean - before[0]).float() if before and len(mean) > LONG else mean


def _rows(means: list[Tensor]) -> "np.ndarray | TiledRows":
    if len(means[0]) <= LONG:
        return torch.stack(means).cpu().numpy()
    first, *rest = (mean.cpu() for mean in means)
    return TiledRows.of([torch.zeros_like(first).float(), *rest], first)


def _between(mean: "np.ndarray | TiledRows", noise: np.ndarray) -> Interval:
    """tr Var of the rows of `mean` [M, P], whose own noise has the traces `noise` [M]."""
    m = len(mean)
    off2 = np.square(mean - mean.mean(0)).sum(1)
    value = off2.sum() / (m - 1) - noise.mean()
    without = (off2.sum() - m / (m - 1) * off2) / (m - 2) - (noise.sum() - noise) / (m - 1)
    half = t_quantile(m - 1) * np.sqrt((m - 1) / m * np.square(without - without.mean()).sum())
    return Interval(float(value), float(value - half), float(value + half))
