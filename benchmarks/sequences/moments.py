"""Mean, variance and cosine of the gradients of a loss's terms, over chunks of batches."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measuring.intervals import Interval, t_quantile
from benchmarks.sequences.gradients import Derivatives, Gathered
from benchmarks.sequences.groups import Chunk
from benchmarks.sequences.losses import Loss

TERMS = ("policy", "kl", "entropy", "total")


@dataclass(frozen=True)
class Term:
    """A part of a loss: the derivative of `plus` less that of `minus`, times `factor`."""

    plus: Loss
    minus: Loss | None
    factor: float
    truth: Tensor  # [prompts · prefixes, V]


@dataclass
class Row:
    """Weighted means over some batches, of one term."""

    mean: Tensor  # E ĝ [prompts · prefixes, V]
    square: float = 0.0  # E ‖ĝ‖²
    cosine: float = 0.0  # E cos(ĝ, g)

    def add(self, gathered: Gathered, d: Derivatives, weights: Tensor, truth: Tensor) -> None:
        """Take in the batches with these derivatives."""
        self.mean += gathered.summed(d, weights)
        norm2 = gathered.squared_norms(d).clamp_min(0.0)
        self.square += float(weights @ norm2)
        length = norm2.sqrt() * truth.norm()
        cosine = torch.where(length > 0, gathered.along(d, truth) / length, 0.0)
        self.cosine += float(weights @ cosine)


@dataclass(frozen=True)
class Setting:
    """How the batches of a step are handed to a loss."""

    group: int
    micro_batches: int = 1
    padding: int = 0


def row_of(
    gathered: Gathered, terms: dict[str, Term], chunks: Iterable[Chunk], setting: Setting
) -> tuple[dict[str, Row], float]:
    """The means of each term over the chunks, whose weights sum to 1; and what padding got."""
    rows = {name: Row(torch.zeros_like(gathered.p)) for name in terms}
    leaked = 0.0
    for index, weights in chunks:
        cache: dict[int, Derivatives] = {}
        for name, term in terms.items():
            found, share = _derivatives(gathered, term, index, setting, cache)
            leaked = max(leaked, share)
            rows[name].add(gathered, found, weights, term.truth)
    return rows, leaked


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
    entropies = None if d.entropies is None else d.entropies[back]
    return Derivatives(d.scores[back], entropies, d.prefix[back], d.tokens[back]), leaked


def variance(rows: list[Row], each: int) -> Interval:
    """tr Cov ĝ over rows of `each` batches; the jackknife of its logarithm over the rows."""
    means = np.stack([row.mean.flatten().numpy() for row in rows])  # [M, P]
    squares = np.array([row.square for row in rows])
    m = len(rows)
    gram = means @ means.T
    value = _variance(squares.mean(), gram.mean(), m * each)
    rest = m - 1
    sums = gram.sum(1)
    without = (gram.sum() - 2 * sums + np.diag(gram)) / rest**2  # ‖mean without a row‖²
    left_out = _variance((squares.sum() - squares) / rest, without, rest * each)
    rounding = 1e-13 * squares.mean()
    if value <= rounding or not (left_out > 0).all():
        return Interval(max(value, 0.0), max(value, 0.0), max(value, 0.0))
    log = np.log(left_out)
    half = float(t_quantile(rest)) * math.sqrt(rest / m * np.square(log - log.mean()).sum())
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def _variance(square: float | NDArray, mean2: float | NDArray, count: int) -> float | NDArray:
    """E ‖ĝ‖² − ‖E ĝ‖², unbiased over `count` replicates."""
    return (square - mean2) * (count / (count - 1))
