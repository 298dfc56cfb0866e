"""The sums over one block of vectors, a tile at a time, so that what is made of it stays cached.

Axes: R vectors of a block, P parameters, M rows of `chunk` vectors each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

TILE = 2**15  # numbers in each of four arrays that are in the cache together
SMALLEST, LARGEST = 1e-250, 1e250  # ‖g‖² between which no square of it was rounded away


class Seen(NamedTuple):
    """Of each replicate in a block, [R]: ‖g − mean‖², ⟨g, direction⟩ and ‖g‖².

    The last two are those of a multiple of g where g is so long or short that its square is no
    number. `along` is 0 without a direction.
    """

    spread: Tensor
    along: Tensor
    square: Tensor


class Sums(NamedTuple):
    """Over d = x − mean of a block: Σ d², Σ d³, Σ d⁴ and Σ ‖d‖² d, [P], and ‖d‖² [R].

    `row_sum` and `row_square` are Σ d and Σ d² [M, P] of the vectors in each of its whole rows.
    """

    m2: Tensor
    m3: Tensor
    m4: Tensor
    q3: Tensor
    norm2: Tensor
    row_sum: Tensor
    row_square: Tensor


@dataclass(frozen=True)
class Block:
    """A block `x` = g − origin [R, P] in float64, its Σ x [P], and what was seen of g."""

    x: Tensor
    total: Tensor
    along: Tensor  # [R]
    square: Tensor  # [R]

    @classmethod
    def of(
        cls, pieces: Sequence[Tensor], origin: Tensor, direction: Tensor | None = None
    ) -> "Block":
        """The block of g, whose parameters come in `pieces` [R, p]; the origin is [1, P]."""
        count, size = len(pieces[0]), origin.shape[1]
        x, ones = origin.new_empty(count, size), origin.new_ones(size)
        along, square = origin.new_zeros(count), origin.new_empty(count)
        total = torch.zeros_like(ones)
        for tile in _steps(0, count, fit(origin, size)):
            g = _joined([piece[tile] for piece in pieces])
            torch.sub(g, origin, out=x[tile])
            total += x[tile].sum(0)
            if direction is not None:
                torch.mv(g, direction, out=along[tile])
            torch.mv(g * g, ones, out=square[tile])
        extreme = ~((square > SMALLEST) & (square < LARGEST))  # 0 and what is no number, too
        if extreme.any():
            _rescale(pieces, extreme, direction, along, square)
        return cls(x, total, along, square)

    def sums(self, mean: Tensor, chunk: int) -> Sums:
        """About the `mean` [1, P], with rows of `chunk` vectors as far as they are whole."""
        count, size = self.x.shape
        most, full = fit(self.x, size), count // chunk * chunk
        parts = -(-chunk // most)  # tiles in a row, or several rows in a tile
        walk = _Walk(mean, self.x.new_empty(count))
        if parts == 1:
            rows = [walk.add(self.x, t, chunk) for t in _steps(0, full, most // chunk * chunk)]
        else:
            steps = (
                _steps(start, start + chunk, -(-chunk // parts)) for start in range(0, full, chunk)
            )
            rows = [walk.add(self.x, tile) for row in steps for tile in row]
        for tile in _steps(full, count, most):
            walk.add(self.x, tile)
        none = self.x.new_empty(2, 0, size)
        row_sum, row_square = torch.cat([none, *rows], 1).unflatten(1, (-1, parts)).sum(2)
        return Sums(*walk.sums, walk.norm2, row_sum, row_square)


class _Walk:
    """Adds up tiles about a mean [1, P]."""

    def __init__(self, mean: Tensor, norm2: Tensor):
        self.mean, self.norm2 = mean, norm2
        self.ones = torch.ones_like(mean[0])
        self.sums = mean.new_zeros(4, mean.shape[1])

    def add(self, x: Tensor, tile: slice, rows: int | None = None) -> Tensor:
        """Take in x[tile]; its Σ d and Σ d², [2, k, P], for each k times `rows` vectors, or all."""
        m2, m3, m4, q3 = self.sums
        d = x[tile] - self.mean
        d2 = d * d
        norm2 = torch.mv(d2, self.ones, out=self.norm2[tile])
        by_row = (-1, rows or len(d), d.shape[1])
        found = torch.stack((d.view(by_row).sum(1), d2.view(by_row).sum(1)))
        m2 += found[1].sum(0)
        q3 += torch.mv(d.t(), norm2)
        m3 += d.mul_(d2).sum(0)
        m4 += d2.mul_(d2).sum(0)
        return found


def fit(like: Tensor, size: int) -> int:
    """How many vectors of `size` numbers make a tile."""
    return max(TILE // size, 1) if like.device.type == "cpu" else 2**30


def _steps(start: int, end: int, step: int) -> Iterator[slice]:
    return (slice(at, min(at + step, end)) for at in range(start, end, step))


def _joined(pieces: list[Tensor]) -> Tensor:
    return (pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)).double()


def _rescale(
    pieces: Sequence[Tensor],
    extreme: Tensor,
    direction: Tensor | None,
    along: Tensor,
    square: Tensor,
) -> None:
    """What is seen of the `extreme` g, as multiples whose largest number is 1, in place."""
    g = _joined([piece[extreme] for piece in pieces])
    scale = g.abs().amax(1)
    g = g / torch.where(scale > 0, scale, 1.0).unsqueeze(1)
    square[extreme] = torch.where(scale.isfinite(), g.square().sum(1), scale)
    if direction is not None:
        along[extreme] = g @ direction
