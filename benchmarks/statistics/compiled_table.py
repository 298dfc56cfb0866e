"""`moments.Table` whose arithmetic, the same for any block, is two compiled loops.

In torch it takes a hundred operations on a few numbers each: of a small block more time than the
walks over it, which are in `compiled_sums`.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.c_loops import loop
from benchmarks.statistics.block_sums import Seen
from benchmarks.statistics.compiled_sums import CompiledBlock
from benchmarks.statistics.moments import Moments, Rows, Table


class CompiledSeen(Seen):
    """What is seen of each replicate, counted in one loop."""

    def health(self) -> tuple[float, float, float, float]:
        found = self.square.new_empty(4)
        loop("health")(len(self.square), self.square, self.along, found)
        return tuple(found.tolist())


class CompiledTable(Table):
    """The same table to rounding: as many rows of as many replicates."""

    kind = CompiledBlock

    def add(self, g: Tensor | Sequence[Tensor], direction: Tensor | None = None) -> CompiledSeen:
        block = self._block(g, direction)
        size, n = len(block.total), len(block.square)
        if self._whole is None:
            zeros = block.total.new_zeros
            self._whole = zeros(5, size)  # the mean, m2, m3, m4 and q3
            self._counts = zeros(2)  # of replicates, and q4
            self._rows = zeros(2, self.limit + 2, size)  # mean and m2; the last is `rest`
            self._filled = np.array([0, 0, self.chunk], np.int64)  # rows, chunks in `rest`, size
        before = self._counts[0]
        mean = torch.addcmul(block.total, before, self._whole[0]).div_(before + n)
        sums = block.sums(mean[None])
        shape = (n, size, self.limit, self.chunk, sums.rows.shape[1])
        state = self._whole, self._counts, self._rows, self._filled
        loop("take_in")(*shape, mean, *sums, *state)
        self.row_size = int(self._filled[2])
        return CompiledSeen(sums.norm2, block.along, block.square)

    @property
    def rows(self) -> Rows:
        mean, m2 = self._rows[:, : self._filled[0]].clone()
        return Rows(torch.full_like(mean[:, 0], self.row_size), self._origin + mean, m2)

    def whole(self) -> Moments:
        mean, m2, m3, m4, q3 = self._whole.clone().unsqueeze(1)
        count, q4 = self._counts.clone().unsqueeze(1)
        return Moments(count, self._origin + mean, m2, m3, m4, q3, q4)
