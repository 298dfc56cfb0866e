"""The sums of `block_sums` and `long_vectors`, each in one walk of a compiled loop over a tile.

A tile of `block_sums.Block.x` is transposed, so that loops run along the vectors, whatever P is:
the same numbers to rounding, and the same bits however the parameters come in pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.c_loops import loop
from benchmarks.statistics.block_sums import Block, Sums, rescale_extremes

TILE = 2**14  # numbers of a tile, which stays in the cache
FEWEST, MOST = 2**5, 2**8  # vectors of it


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
        tile = _part(chunk, min(max(TILE // size, FEWEST), MOST))
        x, along, square = origin.new_empty(count * size), *origin.new_zeros(2, count)
        total, first = torch.zeros_like(origin[0]), 0
        filled = x, total, along, square
        for piece in pieces:
            g, shape = _numbers(piece).contiguous(), (*piece.shape, first, size, tile)
            loop(f"take_{_kind(g)}")(*shape, g, origin, _doubles(direction), *filled)
            first += piece.shape[1]
        rescale_extremes(pieces, direction, along, square)
        return cls(x, total, along, square, chunk, tile)

    def sums(self, mean: Tensor) -> Sums:
        size, count = mean.shape[1], len(self.square)
        powers, q3 = mean.new_zeros(4, size), mean.new_zeros(size)
        norm2, rows = mean.new_zeros(count), mean.new_zeros(2, count // self.chunk, size)
        shape, sums = (count, size, self.tile, self.chunk, rows.shape[1]), (powers, q3, norm2, rows)
        loop("sum")(*shape, self.x, mean, *sums)
        return Sums(*sums)


class CompiledWalk:
    """What `long_vectors.Walk` does, in one loop for each step."""

    any_width = True

    def add(
        self, tile: Tensor, way: Tensor | None, centre: Tensor, sums: Sequence[Tensor]
    ) -> Tensor:
        tile, found = _numbers(tile), centre.new_zeros(2, len(tile))
        if tile.stride(1) != 1:
            tile = tile.contiguous()
        if tile.numel():
            shape = (*tile.shape, tile.stride(0))
            loop(f"add_{_kind(tile)}")(*shape, tile[0], _doubles(way), centre, *sums, *found)
        return found

    def end_row(
        self, n: int, total: Tensor, before: Tensor, centre: Tensor, origin: Tensor
    ) -> tuple[Tensor, float]:
        row, norm2 = torch.empty_like(total, dtype=torch.float32), total.new_empty(1)
        loop("end_row")(n, len(total), total, before, centre, origin, row, norm2)
        return row, float(norm2)


def _part(row: int, most: int) -> int:
    """The largest part of a row of so many vectors that fills it a whole number of times."""
    parts = -(-row // most)
    while row % parts:
        parts += 1
    return row // parts


def _numbers(piece: Tensor) -> Tensor:
    """A piece in one of the two precisions that loops know, as it lies in memory."""
    known = piece.dtype in (torch.float32, torch.float64)
    return (piece if known else piece.double()).resolve_neg()


def _doubles(vector: Tensor | None) -> Tensor | None:
    return None if vector is None else vector.double().resolve_neg().contiguous()


def _kind(t: Tensor) -> str:
    return "float" if t.dtype is torch.float32 else "double"
