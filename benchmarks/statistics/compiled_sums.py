"""The sums of `block_sums` and `long_vectors`, each in one walk of a compiled loop over a tile.

Needs numba, of the extra `fast`. A tile of `block_sums.Block.x` is transposed, so that loops run
along the vectors, whatever P is: the same numbers to rounding, and the same bits however the
parameters come in pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.statistics.block_sums import Block, Sums, rescale_extremes
from benchmarks.statistics.machine_code import compiled

TILE = 2**14  # numbers of a tile, which stays in the cache
STRIP = 2**9  # numbers of each of seven vectors, which stay in the innermost cache
FEWEST, MOST = 2**5, 2**8  # vectors of it
ORDER = {"reassoc", "contract", "nsz", "arcp"}  # of sums is free; what is no number stays so


@dataclass(frozen=True)
class CompiledBlock(Block):
    """A block whose `x` [R · P] holds tiles of `tile` vectors, one after the other, transposed."""

    tile: int

    @classmethod
    def of(
        cls,
        pieces: Sequence[Tensor],
        origin: Tensor,
        chunk: int,
        direction: Tensor | None = None,
    ) -> "CompiledBlock":
        count, size = len(pieces[0]), origin.shape[1]
        tile = min(max(TILE // size, FEWEST), MOST, chunk)
        x, along, square = origin.new_empty(count * size), *origin.new_zeros(2, count)
        total, way = torch.zeros_like(origin[0]), origin[0] if direction is None else direction
        fixed = (origin[0].numpy(), way.numpy(), tile)
        filled = tuple(part.numpy() for part in (x, total, along, square))
        first = 0
        for piece in pieces:
            _take(_numbers(piece), first, *fixed, *filled)
            first += piece.shape[1]
        if direction is None:
            along.zero_()
        rescale_extremes(pieces, direction, along, square)
        return cls(x, total, along, square, chunk, tile)

    def sums(self, mean: Tensor) -> Sums:
        size, count = mean.shape[1], len(self.square)
        powers, q3 = mean.new_zeros(4, size), mean.new_zeros(size)
        norm2, rows = mean.new_zeros(count), mean.new_zeros(2, count // self.chunk, size)
        filled = (part.numpy() for part in (powers, q3, norm2, rows))
        _sum(self.x.numpy(), mean[0].numpy(), self.tile, self.chunk, *filled)
        return Sums(powers, q3, norm2, rows)


class CompiledWalk:
    """What `long_vectors.Walk` does, in one loop for each step."""

    any_width = True

    def add(
        self, tile: Tensor, way: Tensor | None, centre: Tensor, sums: Sequence[Tensor]
    ) -> Tensor:
        if tile.dtype not in (torch.float32, torch.float64):
            tile = tile.double()
        if tile.stride(1) != 1:
            tile = tile.contiguous()
        step, (count, size) = tile.stride(0), tile.shape
        flat = tile.as_strided(((count - 1) * step + size,), (1,)).numpy()
        found = centre.new_zeros(2, count)
        ways = centre[:0] if way is None else way
        own = (part.numpy() for part in (ways, centre, *sums, found))
        _add(flat, step, *own)
        return found

    def end_row(
        self, n: int, total: Tensor, before: Tensor, centre: Tensor, origin: Tensor
    ) -> tuple[Tensor, float]:
        row = torch.empty_like(total, dtype=torch.float32)
        own = (part.numpy() for part in (total, before, centre, origin, row))
        return row, _end_row(n, *own)


def _numbers(piece: Tensor):
    """A piece as an array that its rows fill, in one of two precisions."""
    wide = piece if piece.dtype in (torch.float32, torch.float64) else piece.double()
    return wide.contiguous().numpy()


@compiled(fastmath=ORDER)
def _transpose(g, out):
    """Put g [n, p] into out [p · n]: four columns abreast, each line of the cache a few times."""
    n, p = g.shape
    whole = p - p % 4
    for j in range(0, whole, 4):
        a, b = out[j * n : (j + 1) * n], out[(j + 1) * n : (j + 2) * n]
        c, d = out[(j + 2) * n : (j + 3) * n], out[(j + 3) * n : (j + 4) * n]
        for r in range(n):
            a[r], b[r], c[r], d[r] = g[r, j], g[r, j + 1], g[r, j + 2], g[r, j + 3]
    for j in range(whole, p):
        a = out[j * n : (j + 1) * n]
        for r in range(n):
            a[r] = g[r, j]


@compiled(fastmath=ORDER)
def _take(g, first, origin, way, tile, x, total, along, square):
    """Put g [R, p], the parameters from `first` on, into x, and add what is seen of it."""
    count, size = g.shape[0], len(origin)
    for start in range(0, count, tile):
        n = min(tile, count - start)
        a, s = along[start : start + n], square[start : start + n]
        begin = start * size + first * n
        turned = x[begin : begin + g.shape[1] * n]
        _transpose(g[start : start + n], turned)
        for j in range(g.shape[1]):
            d, column = turned[j * n : (j + 1) * n], first + j
            o, w, t = origin[column], way[column], 0.0
            for r in range(n):
                value = d[r]
                d[r] = value - o
                t += value - o
                a[r] += value * w
                s[r] += value * value
            total[column] += t


@compiled(fastmath=ORDER)
def _sum(x, mean, tile, chunk, powers, q3, norm2, rows):
    """Add the sums over d = x − mean to `powers`, `q3`, `norm2` and `rows`: see `Sums`."""
    count, size = len(norm2), len(mean)
    for start in range(0, count, tile):
        n, row = min(tile, count - start), start // chunk
        s = norm2[start : start + n]
        for j in range(size):
            column = x[start * size + j * n : start * size + (j + 1) * n]
            m, p1, p2, p3, p4 = mean[j], 0.0, 0.0, 0.0, 0.0
            for r in range(n):
                d = column[r] - m
                d2 = d * d
                s[r] += d2
                p1 += d
                p2 += d2
                p3 += d2 * d
                p4 += d2 * d2
            powers[0, j] += p1
            powers[1, j] += p2
            powers[2, j] += p3
            powers[3, j] += p4
            if row < rows.shape[1]:
                rows[0, row, j] += p1
                rows[1, row, j] += p2
        for j in range(size):
            column = x[start * size + j * n : start * size + (j + 1) * n]
            m, q = mean[j], 0.0
            for r in range(n):
                q += s[r] * (column[r] - m)
            q3[j] += q


@compiled(fastmath=ORDER)
def _add(g, step, way, centre, s1, s2, s3, s4, found):
    """Add rows, `step` numbers apart in g, to the sums: a strip of all rows while it is at hand."""
    size, count = len(centre), found.shape[1]
    for start in range(0, size, STRIP):
        stop = min(start + STRIP, size)
        c, a1, a2 = centre[start:stop], s1[start:stop], s2[start:stop]
        a3, a4 = s3[start:stop], s4[start:stop]
        for r in range(count):
            row, norm2 = g[r * step + start : r * step + stop], 0.0
            for j in range(len(row)):
                d = row[j] - c[j]
                d2 = d * d
                a1[j] += d
                a2[j] += d2
                a3[j] += d2 * d
                a4[j] += d2 * d2
                norm2 += d2
            found[0, r] += norm2
            if len(way):
                w, along = way[start:stop], 0.0
                for j in range(len(row)):
                    along += row[j] * w[j]
                found[1, r] += along


@compiled(fastmath=ORDER)
def _end_row(n, total, before, centre, origin, row):
    """See `CompiledWalk.end_row`."""
    square = 0.0
    for j in range(len(row)):
        mean = (total[j] - before[j]) / n
        square += mean * mean
        row[j] = mean + centre[j] - origin[j]
        before[j] = total[j]
    return square
