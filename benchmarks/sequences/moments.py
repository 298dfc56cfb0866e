"""Mean, variance and cosine of the gradients of a loss's terms, over chunks of batches."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.sequences.gradients import Derivatives, Gathered
from benchmarks.sequences.groups import Chunk
from benchmarks.sequences.losses import Loss
from benchmarks.statistics.intervals import Interval, t_quantile
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.moments import Moments, Rows

TERMS = ("policy", "kl", "entropy", "total")


@dataclass(frozen=True)
class Term:
    """A part of a loss: the derivative of `plus` less that of `minus`, times `factor`."""

    plus: Loss
    minus: Loss | None
    factor: float
    truth: Tensor  # [P], of the logits of the table or of the weights of a module


@dataclass
class Row:
    """Weighted means over some batches, of one term."""

    mean: Tensor  # E ĝ [P]; in the table [prompts · prefixes, V] while it is added to
    square: float = 0.0  # E ‖ĝ‖²
    cosine: float = 0.0  # E cos(ĝ, g)


@dataclass(frozen=True)
class Setting:
    """How the batches of a step are handed to a loss."""

    group: int
    micro_batches: int = 1
    padding: int = 0


def rows_of(
    gathered: Gathered, terms: dict[str, Term], chunks: Iterable[Chunk], setting: Setting
) -> tuple[dict[str, list[Row]], float]:
    """The rows of each term over the chunks; and what the loss gave to padding, as a share."""
    rows: dict[str, dict[int, Row]] = {name: {} for name in terms}
    leaked = 0.0
    for chunk in chunks:
        cache: dict[int, Derivatives] = {}
        for name, term in terms.items():
            d, share = _derivatives(gathered, term, chunk.index, setting, cache)
            leaked = max(leaked, share)
            _take_in(gathered, rows[name], chunk, d, term.truth)
    for row in (row for found in rows.values() for row in found.values()):
        row.mean = gathered.measured(row.mean)
    return {name: list(found.values()) for name, found in rows.items()}, leaked


def _take_in(
    gathered: Gathered, rows: dict[int, Row], chunk: Chunk, d: Derivatives, truth: Tensor
) -> None:
    """Add the batches of a chunk, with these derivatives, to their rows."""
    norm2 = gathered.squared_norms(d).clamp_min(0.0)
    length = norm2.sqrt() * truth.norm()
    cosine = torch.where(length > 0, gathered.along(d, truth) / length, 0.0)
    for number, place in chunk.rows.items():
        row = rows.setdefault(number, Row(torch.zeros_like(gathered.p)))
        weights = chunk.weights[place]
        row.mean += gathered.summed(d[place], weights)
        row.square += float(weights @ norm2[place])
        row.cosine += float(weights @ cosine[place])


def _derivatives(
    gathered: Gathered, term: Term, index: Tensor, setting: Setting, cache: dict
) -> tuple[Derivatives, float]:
    leaked = 0.0
    for loss in (term.plus, term.minus):
        if loss is not None and id(loss) not in cache:
            found, share = _of(gathered, loss, index, setting)
            cache[id(loss)] = found
            leaked = max(leaked, share)
    d = cache[id(term.plus)]
    if term.minus is not None:
        d = d - cache[id(term.minus)]
    return (d if term.factor == 1 else d * term.factor), leaked


def _of(
    gathered: Gathered, loss: Loss, index: Tensor, setting: Setting
) -> tuple[Derivatives, float]:
    """The derivatives of each batch; of equal batches once, where each costs a call."""
    how = (setting.group, setting.micro_batches, setting.padding)
    if loss.vectorised:
        return gathered.derivatives(loss, index, *how)
    unique, back = index.unique(dim=0, return_inverse=True)
    d, leaked = gathered.derivatives(loss, unique, *how)
    return d[back], leaked


def measured_gradient(
    means: NDArray, squares: NDArray, each: int, truth: NDArray, seen: NDArray
) -> MeasuredGradient:
    """Rows of `each` batches as replicates of a gradient that should have the mean `truth` [P].

    `means` [M, P] are their means and `squares` [M] their mean squares. Of one batch and one
    parameter only what the rows tell is known: variance and skewness, and no tails. Parameters that
    are `seen` too seldom, [P] booleans, are not tested.
    """
    means = torch.as_tensor(means)
    count = torch.full_like(means[:, 0], each)
    n, centre = float(count.sum()), means.mean(0, keepdim=True)
    off = means - centre
    spread = off.square().sum(0, keepdim=True) / (len(means) - 1) * each  # of one batch: [1, P]
    third = (off**3).mean(0, keepdim=True) * each**2
    none = torch.zeros_like(count[:1])
    whole = Moments(
        none + n, centre, (n - 1) * spread, n * third, 3 * n * spread.square(), none * centre, none
    )
    own = torch.linalg.vector_norm(means, dim=1).square()
    within = each * (torch.as_tensor(squares) - own).clamp_min(0.0)
    table = Rows(count, means, within.unsqueeze(1))
    error, eps = np.zeros_like(truth), np.finfo(float).eps
    return MeasuredGradient(whole, table, truth, error, eps, tested=seen)


def variances(
    means: NDArray, squares: NDArray, each: int, truth: NDArray
) -> tuple[Interval, Interval]:
    """tr Cov ĝ over rows of `each` batches, and that over scale².

    `means` [M, P] and `squares` [M] are those of the rows. With intervals from the jackknife of
    their logarithms over the rows. The second is NaN where the scale is not positive.
    """
    along = means @ truth / float(truth @ truth or 1.0)
    m, rest = len(means), len(means) - 1
    gram = means @ means.T
    value = _variance(squares.mean(), gram.mean(), m * each)
    without = (gram.sum() - 2 * gram.sum(1) + np.diag(gram)) / rest**2  # ‖mean without a row‖²
    left_out = _variance((squares.sum() - squares) / rest, without, rest * each)
    if value <= 1e-13 * squares.mean():  # nothing but rounding
        left_out = np.zeros(m)
    scale, scales = along.mean(), (along.sum() - along) / rest
    if not (scale > 0 and (scales > 0).all()):
        return _jackknifed(value, left_out), Interval(*[math.nan] * 3)
    return _jackknifed(value, left_out), _jackknifed(value / scale**2, left_out / scales**2)


def _jackknifed(value: float, left_out: NDArray) -> Interval:
    value = max(float(value), 0.0)
    if not (left_out > 0).all():
        return Interval(value, value, value)
    log, m = np.log(left_out), len(left_out)
    half = float(t_quantile(m - 1)) * math.sqrt((m - 1) / m * np.square(log - log.mean()).sum())
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def _variance(square: float | NDArray, mean2: float | NDArray, count: int) -> float | NDArray:
    """E ‖ĝ‖² − ‖E ĝ‖², unbiased over `count` replicates."""
    return (square - mean2) * (count / (count - 1))
