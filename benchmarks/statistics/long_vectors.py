"""Streamed moments of vectors so long that nothing of size [rows, P] is held in float64.

The same numbers as `moments.Table`, to rounding, from one pass over each gradient while it is in
the cache. Sums are over deviations from a centre that moves to the mean whenever the number of
replicates has doubled (Pébay 2008, SAND2008-6212).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.statistics.moments import Moments
from benchmarks.statistics.tiled_rows import TiledRows

LONG = 2**14  # parameters from which vectors are long
TILE = 2**14  # numbers of each of ten vectors that are in the cache together
ROW_BYTES = 4  # of a number of the table's rows: deviations, in float32


class Seen(NamedTuple):
    """Of each replicate in a block, [R]: ‖g − mean‖², ‖g‖², and ⟨g, direction⟩ if there is one."""

    spread: Tensor
    square: Tensor
    along: Tensor


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
    moment over the square of the first: off by O(log(R) / R) at most.
    """

    def __init__(self, chunk: int, limit: int = 64):
        self.row_size = chunk
        self.limit = limit
        self.count = 0
        self._centred = 0  # replicates of which the centre is the mean
        self._rows: list[Tensor] = []  # deviations from the origin
        self._m2: list[float] = []  # of each row
        self._in_row = 0
        self._row_square: float = 0.0  # Σ ‖g − centre‖² of the row that is being filled
        self._spreads = torch.zeros(3, dtype=torch.float64)  # how many, Σ s and Σ s²

    def add(self, g: Tensor, direction: Tensor | None = None) -> Seen:
        """Take in a block g [R, P]; what is seen of each replicate on the way, [R]."""
        g = g.detach()
        if not self.count:
            self._begin(g)
        taken, found = 0, []
        while taken < len(g):
            if not self._in_row and len(self._rows) == self.limit:
                self._double()
            part = g[taken : taken + self.row_size - self._in_row]
            found.append(self._take(part, direction))
            self._row_square += float(found[-1][0].sum())
            self.count += len(part)
            self._in_row += len(part)
            if self._in_row == self.row_size:
                self._end_row()
            taken += len(part)
        seen = Seen(*torch.cat(found, 1))
        first = self.count == len(g)  # they are in the centre themselves
        spread = self._corrected(seen.spread, len(g), first)
        if not first or len(g) > 1:
            self._spreads += torch.stack([spread.new_tensor(len(g)), spread.sum(),
                                          spread.square().sum()]).cpu()  # fmt: skip
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

    def _begin(self, g: Tensor) -> None:
        self._centre = torch.zeros(g.shape[1], dtype=torch.float64, device=g.device)
        for row in g:
            self._centre += row
        self._centre /= len(g)
        self._centred = len(g)
        self._origin = self._centre.clone()
        self._sums = [torch.zeros_like(self._centre) for _ in range(4)]
        self._before = torch.zeros_like(self._centre)  # Σ (g − centre) when the row began
        self._tile = TILE if g.device.type == "cpu" else g.shape[1]
        vectors = (self._centre, self._before, *self._sums)
        self._tiles = list(zip(*(v.split(self._tile) for v in vectors), strict=True))
        self._x, self._x2 = torch.empty(2, min(self._tile, g.shape[1]), dtype=torch.float64,
                                        device=g.device)  # fmt: skip

    def _take(self, g: Tensor, direction: Tensor | None) -> Tensor:
        """Add replicates g [n, P] to the sums: ‖g − centre‖², ‖g‖² and ⟨g, direction⟩ [3, n]."""
        found = g.new_zeros(3, len(g), dtype=torch.float64)
        ways = (g[0] if direction is None else direction).split(self._tile)
        for part, way, (centre, _, *sums) in zip(
            g.split(self._tile, 1), ways, self._tiles, strict=True
        ):
            seen = [self._add(row.double(), centre, sums) for row in part]
            if direction is not None:
                seen = [(*own, row.double().dot(way)) for own, row in zip(seen, part, strict=True)]
            found[: len(seen[0])] += torch.stack([torch.stack(own) for own in seen], 1)
        return found

    def _add(self, g: Tensor, centre: Tensor, sums: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Add a tile of one replicate to its sums: its ‖g − centre‖² and ‖g‖²."""
        x = torch.sub(g, centre, out=self._x[: len(g)])
        x2 = torch.mul(x, x, out=self._x2[: len(g)])
        s1, s2, s3, s4 = sums
        s1.add_(x)
        s2.add_(x2)
        s3.addcmul_(x2, x)
        s4.addcmul_(x2, x2)
        return x2.sum(), g.dot(g)

    def _corrected(self, spread: Tensor, size: int, first: bool) -> Tensor:
        """‖g − centre‖² as ‖g − mean‖² would be on average, whether g is in the centre or not."""
        if first:
            return spread * (size / max(size - 1, 1))
        return spread / (1 + 1 / self._centred)

    def _end_row(self) -> None:
        n = self._in_row
        mean = (self._sums[0] - self._before).div_(n)
        self._m2.append(max(self._row_square - n * float(mean.dot(mean)), 0.0))
        self._rows.append(mean.add_(self._centre).sub_(self._origin).float())
        self._in_row, self._row_square = 0, 0.0
        self._before.copy_(self._sums[0])

    def _recentre(self) -> None:
        """Move the centre to the mean, and the sums with it, exactly."""
        n, k = self.count, self._in_row
        inner = square = 0.0
        for centre, before, s1, s2, s3, s4 in self._tiles:
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
        self._row_square += k * square - 2 * inner
        self._centred = n

    def _double(self) -> None:
        """Merge neighbouring rows, of which there is an even number."""
        for place in range(0, len(self._rows), 2):
            one, other = self._rows[place : place + 2]
            apart = sum(
                float(a.double().sub_(b).square_().sum())
                for a, b in zip(one.split(self._tile), other.split(self._tile), strict=True)
            )
            self._m2[place // 2] = sum(self._m2[place : place + 2]) + self.row_size / 2 * apart
            self._rows[place // 2] = one.add_(other).div_(2)
        del self._rows[len(self._rows) // 2 :], self._m2[len(self._m2) // 2 :]
        self.row_size *= 2
