"""`moments.Table` whose arithmetic, the same for any block, is two compiled loops.

Needs numba, of the extra `fast`. In torch it takes a hundred operations on a few numbers each: of a
small block more time than the walks over it, which are in `compiled_sums`.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from benchmarks.statistics.block_sums import Seen
from benchmarks.statistics.compiled_sums import ORDER, CompiledBlock
from benchmarks.statistics.machine_code import compiled
from benchmarks.statistics.moments import Moments, Rows, Table


class CompiledSeen(Seen):
    """What is seen of each replicate, counted in one loop."""

    def health(self) -> tuple[float, float, float, float]:
        return _health(self.square.numpy(), self.along.numpy())


class CompiledTable(Table):
    """The same table to rounding: as many rows of as many replicates."""

    kind = CompiledBlock

    def add(self, g: Tensor | Sequence[Tensor], direction: Tensor | None = None) -> CompiledSeen:
        block = self._block(g, direction)
        if self._whole is None:
            size = len(block.total)
            self._whole = np.zeros((5, size))  # the mean, m2, m3, m4 and q3
            self._counts = np.zeros(2)  # of replicates, and q4
            self._rows = np.zeros((2, self.limit + 2, size))  # mean and m2; the last is `rest`
            self._filled = np.array([0, 0, self.chunk])  # rows, chunks in `rest`, `row_size`
        before, n = self._counts[0], len(block.square)
        mean = (before * self._whole[:1] + block.total.numpy()) / (before + n)
        sums = block.sums(torch.from_numpy(mean))
        found = (part.numpy() for part in sums)
        _take_in(mean[0], *found, self.chunk, self._whole, self._counts, self._rows, self._filled)
        self.row_size = int(self._filled[2])
        return CompiledSeen(sums.norm2, block.along, block.square)

    @property
    def rows(self) -> Rows:
        mean, m2 = torch.from_numpy(self._rows[:, : self._filled[0]].copy())
        return Rows(torch.full_like(mean[:, 0], self.row_size), self._origin + mean, m2)

    def whole(self) -> Moments:
        mean, m2, m3, m4, q3 = torch.from_numpy(self._whole.copy()).unsqueeze(1)
        count, q4 = torch.from_numpy(self._counts.copy()).unsqueeze(1)
        return Moments(count, self._origin + mean, m2, m3, m4, q3, q4)


@compiled(fastmath=ORDER)
def _health(square, along):
    """See `Seen.health`."""
    unhealthy, zero, wrong_way, cosine = 0.0, 0.0, 0.0, 0.0
    for r in range(len(square)):
        unhealthy += not np.isfinite(square[r])
        zero += square[r] == 0
        wrong_way += along[r] < 0
        if square[r] > 0:
            cosine += along[r] / sqrt(square[r])
    return unhealthy, zero, wrong_way, cosine


@compiled(fastmath=ORDER)
def _take_in(mean, powers, q3, norm2, sums, chunk, whole, counts, rows, filled):
    """Add the `Sums` of a block, about the new mean of all, to the whole and to the rows."""
    _shift(mean, whole, counts)
    for j in range(len(mean)):
        for k in range(1, 4):
            whole[k, j] += powers[k, j]
        whole[4, j] += q3[j]
    counts[0] += len(norm2)
    for r in range(len(norm2)):
        counts[1] += norm2[r] * norm2[r]
    for row in range(sums.shape[1]):
        _append(mean, sums[:, row], chunk, rows, filled)


@compiled(fastmath=ORDER)
def _shift(mean, whole, counts):
    """Move the sums to another mean: `Moments.shifted`."""
    n, trace, norm2, apart = counts[0], 0.0, 0.0, 0.0
    for j in range(len(mean)):
        shift, m2, q3 = whole[0, j] - mean[j], whole[1, j], whole[4, j]
        trace += m2
        norm2 += shift * shift
        apart += shift * (q3 + shift * m2)
    for j in range(len(mean)):
        shift, m2, m3 = whole[0, j] - mean[j], whole[1, j], whole[2, j]
        by_mean = n * shift * shift
        whole[0, j] = mean[j]
        whole[1, j] += by_mean
        whole[2, j] += shift * (3 * m2 + by_mean)
        whole[3, j] += shift * (4 * m3 + shift * (6 * m2 + by_mean))
        whole[4, j] += shift * (2 * m2 + trace + n * norm2)
    counts[1] += 4 * apart + norm2 * (2 * trace + n * norm2)


@compiled(fastmath=ORDER)
def _append(mean, sums, chunk, rows, filled):
    """Take in a row of `chunk` replicates, of which Σ d and Σ d² are known: `Rows.summed`."""
    limit = rows.shape[1] - 2
    rest, new = rows[:, limit + 1], rows[:, filled[0]]
    for j in range(len(mean)):
        off = sums[0, j] / chunk
        m2 = sums[1, j] - chunk * off * off
        new[0, j], new[1, j] = mean[j] + off, 0.0 if m2 < 0 else m2
    _merge(rest, filled[1], new, 1, chunk)
    filled[1] += 1
    if filled[1] * chunk < filled[2]:
        return
    new[:], filled[1] = rest, 0
    filled[0] += 1
    if filled[0] > limit:
        each = filled[2] // chunk
        for pair in range(filled[0] // 2):
            _merge(rows[:, 2 * pair], each, rows[:, 2 * pair + 1], each, chunk)
            rows[:, pair] = rows[:, 2 * pair]
        if filled[0] % 2:
            rest[:], filled[1] = rows[:, filled[0] - 1], each
        filled[0] //= 2
        filled[2] *= 2


@compiled(fastmath=ORDER)
def _merge(into, one, other, two, chunk):
    """Merge the row `other` of `two` chunks into another of `one`, perhaps none."""
    share, between = two / (one + two), one * two / (one + two) * chunk
    for j in range(into.shape[1]):
        if not one:
            into[0, j], into[1, j] = other[0, j], other[1, j]
        else:
            apart = other[0, j] - into[0, j]
            into[0, j] += share * apart
            into[1, j] += other[1, j] + between * apart * apart
