"""The sums over one block of vectors, a tile at a time, so that what is made of it stays cached.

Axes: R vectors of a block, P parameters, M rows of `chunk` vectors each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

TILE = 2**16  # numbers in each of six arrays that are in the cache together
SMALLEST, LARGEST = 1e-250, 1e250  # ‖g‖² between which no square of it was rounded away


class Seen(NamedTuple):
    """Of each replicate in a block, [R]: ‖g − mean‖², ⟨g, direction⟩ and ‖g‖².

    The last two are those of a multiple of g where g is so long or short that its square is no
    number. `along` is 0 without a direction.
    """

    spread: Tensor
    along: Tensor
    square: Tensor

    def health(self) -> tuple[Tensor | float, Tensor | float, Tensor | float, Tensor | float]:
        """How many are not finite, 0, and point away from the direction; the sum of cosines."""
        return (
            (~self.square.isfinite()).sum(),
            (self.square == 0).sum(),
            (self.along < 0).sum(),
            (self.along / self.square.sqrt()).nan_to_num(0.0).sum(),
        )


class Sums(NamedTuple):
    """Over d = x − mean of a block: `powers`, Σ d to Σ d⁴ [4, P], q3 = Σ ‖d‖² d [P], and ‖d‖² [R].

    `rows` are Σ d and Σ d² [2, M, P] of the vectors in each of its whole rows.
    """

    powers: Tensor
    q3: Tensor
    norm2: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Block:
    """A block `x` = g − origin [R, P] in float64, its Σ x [P], and what was seen of g.

    `chunk` vectors are a row.
    """

    x: Tensor
    total: Tensor
    along: Tensor  # [R]
    square: Tensor  # [R]
    chunk: int

    @classmethod
    def of(
        cls,
        pieces: Sequence[Tensor],
        origin: Tensor,
        chunk: int,
        direction: Tensor | None = None,
    ) -> "Block":
        """The block of g, whose parameters come in `pieces` [R, p]; the origin is [1, P]."""
        count, size = len(pieces[0]), origin.shape[1]
        x, ones = origin.new_empty(count, size), origin.new_ones(size)
        along, square = origin.new_zeros(count), origin.new_empty(count)
        total = torch.zeros_like(ones)
        for tile in _steps(0, count, fit(origin, size)):
            g = joined([piece[tile] for piece in pieces])
            torch.sub(g, origin, out=x[tile])
            total += x[tile].sum(0)
            if direction is not None:
                torch.mv(g * direction, ones, out=along[tile])  # MKL's bits go by where g lies
            torch.mv(g * g, ones, out=square[tile])
        rescale_extremes(pieces, direction, along, square)
        return cls(x, total, along, square, chunk)

    def sums(self, mean: Tensor) -> Sums:
        """About the `mean` [1, P], with rows as far as they are whole."""
        (count, size), chunk = self.x.shape, self.chunk
        most, full = fit(self.x, size), count // chunk * chunk
        parts = -(-chunk // most)  # tiles in a row; with 1, a tile has one or several rows
        walk = _Walk(self.x, mean[0], most)
        if parts == 1:
            rows = [walk.add(tile, chunk) for tile in _steps(0, full, most // chunk * chunk)]
        else:
            starts, step = range(0, full, chunk), -(-chunk // parts)
            tiles = (tile for start in starts for tile in _steps(start, start + chunk, step))
            rows = [walk.add(tile) for tile in tiles]
        rest = [walk.add(tile) for tile in _steps(full, count, most)]
        rows = torch.cat([self.x.new_empty(4, 0, size), *rows], 1)
        powers = rows.sum(1) + (torch.cat(rest, 1).sum(1) if rest else 0.0)
        rows = rows[:2] if parts == 1 else rows[:2].unflatten(1, (-1, parts)).sum(2)
        return Sums(powers, walk.q3, walk.norm2, rows)


class _Walk:
    """Goes through a block x [R, P] in tiles of at most `most` vectors."""

    def __init__(self, x: Tensor, mean: Tensor, most: int):
        self.x, self.mean = x, mean
        self.ones, self.q3 = torch.ones_like(mean), torch.zeros_like(mean)
        self.norm2 = x.new_empty(len(x))
        self._powers = x.new_empty(4, min(most, len(x)), len(mean))

    def add(self, tile: slice, rows: int | None = None) -> Tensor:
        """Take in x[tile]: its Σ d to Σ d⁴ for each k times `rows` vectors, or all, [4, k, P]."""
        x = self.x[tile]
        powers = self._powers[:, : len(x)]
        d, d2 = powers[0], powers[1]
        torch.sub(x, self.mean, out=d)
        torch.mul(d, d, out=d2)
        torch.mul(powers[:2], d2, out=powers[2:])
        self.q3.addmv_(d.t(), torch.mv(d2, self.ones, out=self.norm2[tile]))
        return powers.unflatten(1, (-1, rows or len(x))).sum(2)


def fit(like: Tensor, size: int) -> int:
    """How many vectors of `size` numbers make a tile."""
    return max(TILE // size, 1) if like.device.type == "cpu" else 2**30


def _steps(start: int, end: int, step: int) -> Iterator[slice]:
    return (slice(at, min(at + step, end)) for at in range(start, end, step))


def joined(pieces: list[Tensor]) -> Tensor:
    """Pieces [R, p] as one block [R, P] in float64."""
    return (pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)).double()


def rescale_extremes(
    pieces: Sequence[Tensor], direction: Tensor | None, along: Tensor, square: Tensor
) -> None:
    """Where ‖g‖² is no number, or 0, what is seen of a multiple of g whose largest number is 1.

    `along` and `square` [R] are changed in place.
    """
    least, most = square.aminmax()
    if least > SMALLEST and most < LARGEST:
        return
    extreme = ~((square > SMALLEST) & (square < LARGEST))
    g = joined([piece[extreme] for piece in pieces])
    scale = g.abs().amax(1)
    g = g / torch.where(scale > 0, scale, 1.0).unsqueeze(1)
    square[extreme] = torch.where(scale.isfinite(), g.square().sum(1), scale)
    if direction is not None:
        along[extreme] = g @ direction
