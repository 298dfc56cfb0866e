"""Streamed moments of vectors so long that nothing of size [rows, P] is held in float64.

The same numbers as `moments.Table`, to rounding, from one pass over each gradient while it is in
the cache. Sums are over deviations from a centre that moves to the mean whenever the number of
replicates has doubled (Pébay 2008, SAND2008-6212).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks import c_loops
from benchmarks.statistics.block_sums import Seen
from benchmarks.statistics.moments import Moments
from benchmarks.statistics.tiled_rows import TiledRows

LONG = 2**14  # parameters from which vectors are long
TILE = 2**15  # numbers of each of eight vectors that are in the cache together
ROUNDING = 1e-6  # relative; ‖g − centre‖² so close to ‖centre‖² is perhaps that of g = 0


@dataclass(frozen=True)
class LongRows:
    """The rows of a table: `count` [M], `mean` [M, P] in tiles, and Σ ‖g − mean‖² as `m2` [M, 1].

    `moments.Rows` has `m2` of each parameter; only its sum over them is asked for.
    """

    count: Tensor
    mean: TiledRows
    m2: Tensor

    def __len__(self) -> int:
        return len(self.count)


class LongTable:
    """`moments.Table` for long vectors: moments of everything, and at most `limit` filled rows.

    What is held is 6 vectors in float64 and `limit` in float32. Σ ‖d‖⁴ is of deviations from the
    centre, each corrected for how far that lies from the mean on average, and by κ, their second
    moment over the square of the first: off by O(log(R) / R) at most. `compiled` asks for compiled
    sums, which are the same to rounding.
    """

    def __init__(
        self,
        chunk: int,
        limit: int = 64,
        sizes: Sequence[int] | None = None,
        compiled: bool = False,
    ):
        self.sizes = sizes  # of the pieces in which gradients may come, P together
        self.walk = (compiled_walk() if compiled else None) or Walk()
        self.row_size = chunk
        self.limit = limit
        self.count = 0
        self._centred = 0  # replicates of which the centre is the mean
        self._rows: list[Tensor] = []  # deviations from the origin
        self._m2: list[float] = []  # of each row
        self._in_row = 0
        self._row_square: float = 0.0  # Σ ‖g − centre‖² of the row that is being filled
        self._spreads = torch.zeros(3, dtype=torch.float64)  # how many, Σ s and Σ s²

    def add(self, g: Tensor | Sequence[Tensor], direction: Tensor | None = None) -> Seen:
        """Take in a block g [R, P], or its pieces; what is seen of each replicate, [R].

        Without a direction, ‖g‖² is only found where g may be zero or not finite; elsewhere it is
        1. Squares must be numbers.
        """
        if isinstance(g, Tensor):
            g = g.split(list(self.sizes) if self.sizes else g.shape[1], 1)
        pieces = [piece.detach() for piece in g]
        tiles = (
            pieces
            if self.walk.any_width
            else [tile for piece in pieces for tile in piece.split(_width(piece), 1)]
        )
        size = len(tiles[0])
        if not self.count:
            self._begin(tiles)
        taken, found, centre2 = 0, [], self._centre2
        while taken < size:
            if not self._in_row and len(self._rows) == self.limit:
                self._double()
            new = slice(taken, min(taken + self.row_size - self._in_row, size))
            found.append(self._take([tile[new] for tile in tiles], direction))
            self._row_square += float(found[-1][0].sum())
            self.count += new.stop - taken
            self._in_row += new.stop - taken
            if self._in_row == self.row_size:
                self._end_row()
            taken = new.stop
        found = torch.cat(found, 1)
        doubtful = ~found[0].isfinite() | ((found[0] - centre2).abs() <= ROUNDING * centre2)
        seen = Seen(*found, _squares(tiles, doubtful | (direction is not None)))
        first = self.count == size  # they are in the centre themselves
        spread = self._corrected(seen.spread, size, first)
        if not first or size > 1:
            powers = spread.new_tensor(size), spread.sum(), spread.square().sum()
            self._spreads += torch.stack(powers).cpu()
        if self.count >= 2 * self._centred:
            self._recentre()
        return seen._replace(spread=spread)

    @property
    def rows(self) -> LongRows:
        """The equally filled rows."""
        kept = [row.cpu() for row in self._rows]
        count = torch.full((len(kept),), float(self.row_size), dtype=torch.float64)
        m2 = torch.tensor(self._m2, dtype=torch.float64).unsqueeze(1)
        return LongRows(count, TiledRows.of(kept, self._origin.cpu()), m2)

    def whole(self) -> Moments:
        """Every replicate, in one row; views that the next block changes."""
        self._recentre()
        one = [part.unsqueeze(0) for part in (self._centre, *self._sums[1:])]
        unknown = one[0].new_zeros(1, 1).expand_as(one[0])  # q3, which nobody asks for here
        count, spoken = one[0].new_full((1,), self.count), self._spreads
        kappa = float(spoken[0] * spoken[2] / spoken[1] ** 2) if spoken[1] > 0 else 1.0
        q4 = kappa * one[1].sum(-1).square() / self.count
        return Moments(count, *one, unknown, q4)

    def _begin(self, tiles: list[Tensor]) -> None:
        means = [sum(row.double() for row in tile) / len(tile) for tile in tiles]
        self._centre, self._centred = torch.cat(means), len(tiles[0])
        self._origin = self._centre.clone()
        self._sums = [torch.zeros_like(self._centre) for _ in range(4)]
        self._before = torch.zeros_like(self._centre)  # Σ (g − centre) when the row began
        self._given = [tile.shape[1] for tile in tiles]
        wide = self._centre.split(self._given)
        self._widths = [len(part) for one in wide for part in one.split(_width(one))]
        self._centre2 = self._centre.dot(self._centre)

    def _parts(self, widths: list[int]) -> Iterator[tuple[Tensor, ...]]:
        """The centre, what was summed before the row, and the sums, in parts."""
        vectors = (self._centre, self._before, *self._sums)
        return zip(*(vector.split(widths) for vector in vectors), strict=True)

    def _take(self, tiles: list[Tensor], direction: Tensor | None) -> Tensor:
        """Add tiles [n, p] of replicates to the sums: ‖g − centre‖² and ⟨g, direction⟩, [2, n]."""
        found = self._centre.new_zeros(2, len(tiles[0]))
        ways = [None] * len(tiles) if direction is None else direction.split(self._given)
        parts = self._parts(self._given)
        for tile, way, (centre, _, *sums) in zip(tiles, ways, parts, strict=True):
            found += self.walk.add(tile, way, centre, sums)
        return found

    def _corrected(self, spread: Tensor, size: int, first: bool) -> Tensor:
        """‖g − centre‖² as ‖g − mean‖² would be on average, whether g is in the centre or not."""
        if first:
            return spread * (size / max(size - 1, 1))
        return spread / (1 + 1 / self._centred)

    def _end_row(self) -> None:
        n, own = self._in_row, (self._sums[0], self._before, self._centre, self._origin)
        row, square = self.walk.end_row(n, *own)
        self._m2.append(max(self._row_square - n * square, 0.0))
        self._rows.append(row)
        self._in_row, self._row_square = 0, 0.0

    def _recentre(self) -> None:
        """Move the centre to the mean, and the sums with it, exactly."""
        n, k = self.count, self._in_row
        inner = square = 0.0
        for centre, before, s1, s2, s3, s4 in self._parts(self._widths):
            shift = s1 / n
            row = s1 - before
            inner, square = inner + float(shift.dot(row)), square + float(shift.dot(shift))
            torch.sub(k * shift, row, out=before)
            s4 += shift * (-4 * s3 + shift * (6 * s2 - 3 * n * shift.square()))
            s3 += shift * (-3 * s2 + 2 * n * shift.square())
            s2 -= n * shift.square()
            s2.clamp_(min=0.0)
            centre += shift
            s1.zero_()
        self._centre2 = self._centre.dot(self._centre)
        self._row_square += k * square - 2 * inner
        self._centred = n

    def _double(self) -> None:
        """Merge neighbouring rows, of which there is an even number."""
        for place in range(0, len(self._rows), 2):
            one, other = self._rows[place : place + 2]
            apart = sum(
                float(a.double().sub_(b).square_().sum())
                for a, b in zip(one.split(self._widths), other.split(self._widths), strict=True)
            )
            self._m2[place // 2] = sum(self._m2[place : place + 2]) + self.row_size / 2 * apart
            self._rows[place // 2] = one.add_(other).div_(2)
        del self._rows[len(self._rows) // 2 :], self._m2[len(self._m2) // 2 :]
        self.row_size *= 2


class Walk:
    """Goes through long vectors operation by operation, a tile of replicates after the other."""

    any_width = False  # whether tiles may be as wide as gradients are

    def __init__(self):
        self._space: Tensor | None = None  # [2, p], which is written over

    def add(
        self, tile: Tensor, way: Tensor | None, centre: Tensor, sums: Sequence[Tensor]
    ) -> Tensor:
        """Add a tile g [n, p] to Σ x to Σ x⁴ of x = g − centre: its ‖x‖² and ⟨g, way⟩, [2, n]."""
        rows = [row.double() for row in tile]
        norm2 = torch.stack([self._add(row, centre, sums) for row in rows])
        if way is None:
            return torch.stack([norm2, torch.zeros_like(norm2)])
        return torch.stack([norm2, torch.stack([row.dot(way) for row in rows])])

    def end_row(
        self, n: int, total: Tensor, before: Tensor, centre: Tensor, origin: Tensor
    ) -> tuple[Tensor, float]:
        """The mean of a row of n replicates less the origin, [P] in float32, and ‖mean − centre‖².

        Deviations from the centre are summed up to `total`, and were to `before` when the row
        began, which is as much as `total` then.
        """
        mean = (total - before).div_(n)
        square = float(mean.dot(mean))
        before.copy_(total)
        return mean.add_(centre).sub_(origin).float(), square

    def _add(self, g: Tensor, centre: Tensor, sums: Sequence[Tensor]) -> Tensor:
        if self._space is None or self._space.shape[1] < len(g):
            self._space = centre.new_empty(2, len(g))
        x, x2 = self._space[:, : len(g)]
        torch.sub(g, centre, out=x)
        torch.mul(x, x, out=x2)
        s1, s2, s3, s4 = sums
        s1.add_(x)
        s2.add_(x2)
        s3.addcmul_(x2, x)
        s4.addcmul_(x2, x2)
        return x2.sum()


def compiled_walk() -> Walk | None:
    """The same with one compiled loop for each step, to rounding; None where no C compiler is."""
    from benchmarks.statistics.compiled_sums import CompiledWalk

    return CompiledWalk() if c_loops.available() else None


def _width(g: Tensor) -> int:
    return TILE if g.device.type == "cpu" else g.shape[-1]


def _squares(tiles: list[Tensor], wanted: Tensor) -> Tensor:
    """‖g‖² of replicates, of which the tiles [R, p] are given, where `wanted` [R]; elsewhere 1."""
    found = torch.ones_like(wanted, dtype=torch.float64)
    for place in wanted.nonzero().flatten().tolist():
        parts = (tile[place].double() for tile in tiles)
        found[place] = sum(part.dot(part) for part in parts)
    return found
