"""Streamed moments of vectors, in float64, with memory that does not grow with R.

Axes: M rows of a table, P parameters. Sums are over deviations from a mean that is close, so that
nothing cancels, and move to another centre exactly (Pébay 2008, SAND2008-6212).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from benchmarks import c_loops
from benchmarks.statistics.block_sums import Block, Seen, Sums, joined


@dataclass(frozen=True)
class Rows:
    """`count` [M], `mean` [M, P] and `m2` = Σ d² [M, P] of the replicates in each of M rows.

    Deviations are d = g − the row's mean.
    """

    count: Tensor  # [M]
    mean: Tensor  # [M, P]
    m2: Tensor  # [M, P]

    @classmethod
    def of(cls, d: Tensor, centre: Tensor) -> "Rows":
        """The rows of `d` = g − `centre`, d [M, n, P]; the centre [M, P] is near their means."""
        return cls.summed(d.sum(1), d.square().sum(1), d.shape[1], centre)

    @classmethod
    def summed(cls, sums: Tensor, squares: Tensor, n: int, centre: Tensor) -> "Rows":
        """The rows of `n` replicates each, d = g − `centre` [M, P], whose Σ d and Σ d² are known.

        - `sums`, `squares`: Σ d and Σ d² over the replicates of each row, [M, P].
        """
        off = sums / n
        m2 = (squares - n * off.square()).clamp_min(0.0)
        return cls(torch.full_like(off[:, 0], n), centre + off, m2)

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: slice) -> "Rows":
        return Rows(self.count[rows], self.mean[rows], self.m2[rows])

    def __add__(self, other: "Rows") -> "Rows":
        """The table with the rows of `other` below."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Rows(*(torch.cat(pair) for pair in pairs))

    def merged(self, each: int) -> "Rows":
        """`each` neighbouring rows merged into one: M / each rows."""
        if each == 1:
            return self
        n, mean, m2 = (getattr(self, f.name).unflatten(0, (-1, each)) for f in fields(self))
        n, count = n.unsqueeze(-1), n.sum(1)  # [M', each, 1], [M']
        first = mean[:, :1]
        centre = first + (n * (mean - first)).sum(1, keepdim=True) / count[:, None, None]
        between = (n * (mean - centre).square()).sum(1)
        return Rows(count, centre.squeeze(1), m2.sum(1) + between)


@dataclass(frozen=True)
class Moments(Rows):
    """Rows with the higher sums that intervals and tests need; a table's whole is one row.

    Beside `count`, `mean` and `m2`: `m3` = Σ d³ and `m4` = Σ d⁴ [M, P], `q3` = Σ ‖d‖² d [M, P] and
    `q4` = Σ ‖d‖⁴ [M].
    """

    m3: Tensor  # Σ d³  [M, P]
    m4: Tensor  # Σ d⁴  [M, P]
    q3: Tensor  # Σ ‖d‖² d  [M, P]
    q4: Tensor  # Σ ‖d‖⁴  [M]

    @classmethod
    def zero(cls, like: Tensor) -> "Moments":
        """No replicates yet, of gradients like x [R, P]."""
        none = torch.zeros_like(like[:1])
        return cls(none[:, 0], none, none, none, none, none, none[:, 0])

    def shifted(self, shift: Tensor) -> dict[str, Tensor]:
        """The sums about centres from which the means lie `shift` [M, P] away.

        q3 and q4 use the diagonal of the covariance where they would need all of it: exact for
        P = 1 and for uncorrelated parameters. A table's mean has moved by O(1/√n) of the spread
        when its shifts come, so that they are off by O(log(R) / R) at most.
        """
        n, s2 = self.count.unsqueeze(-1), shift.square()
        trace = self.m2.sum(-1, keepdim=True)
        norm2 = s2.sum(-1, keepdim=True)
        by_mean = n * s2
        apart = (shift * self.q3 + s2 * self.m2).sum(-1, keepdim=True)
        return {
            "m2": self.m2 + by_mean,
            "m3": self.m3 + shift * (3 * self.m2 + by_mean),
            "m4": self.m4 + shift * (4 * self.m3 + shift * (6 * self.m2 + by_mean)),
            "q3": self.q3 + shift * (2 * self.m2 + (trace + n * norm2)),
            "q4": self.q4 + (4 * apart + norm2 * (2 * trace + n * norm2)).squeeze(-1),
        }

    def joined(self, block: Sums, mean: Tensor) -> "Moments":
        """One row joined by a `block` whose sums are about `mean` [1, P], the new mean of all.

        The sums of the block are exact; what was there before is shifted.
        """
        old, norm2 = self.shifted(self.mean - mean), block.norm2
        new = {f"m{k}": power for k, power in enumerate(block.powers[1:], start=2)}
        sums = {name: old[name] + value for name, value in new.items()}
        sums |= {"q3": old["q3"] + block.q3, "q4": old["q4"] + norm2.dot(norm2)}
        return Moments(self.count + len(norm2), mean, **sums)


class Table:
    """Moments of everything, and those of at most `limit` equally filled rows.

    Rows start with `chunk` replicates. When there are more than `limit`, neighbours merge and rows
    hold twice as many. What does not fill a row waits in `rest`; the last replicates, fewer than a
    chunk, are in the whole alone. Blocks must come whole and in order: then the bits are the same,
    whoever made them.
    """

    kind = Block

    def __init__(self, chunk: int, limit: int = 64):
        self.chunk = chunk
        self.row_size = chunk
        self.limit = limit
        self.rest: Rows | None = None
        self._waiting = 0  # chunks in `rest`
        self._origin: Tensor | None = None  # everything below is of g − origin
        self._rows: Rows | None = None
        self._whole: Moments | None = None

    def add(self, g: Tensor | Sequence[Tensor], direction: Tensor | None = None) -> Seen:
        """Add a block `g` [R, P], or its pieces [R, p]; what is seen of each replicate, [R].

        - `direction`: [P], of which Seen has the share; None has none.
        """
        block = self._block(g, direction)
        before = Moments.zero(self._origin) if self._whole is None else self._whole
        count = before.count + len(block.square)
        mean = (before.count * before.mean + block.total) / count
        sums = block.sums(mean)
        self._whole = before.joined(sums, mean)
        if sums.rows.shape[1]:
            self._append(Rows.summed(*sums.rows, self.chunk, mean))
        return Seen(sums.norm2, block.along, block.square)

    @property
    def rows(self) -> Rows:
        """The equally filled rows."""
        return replace(self._rows, mean=self._origin + self._rows.mean)

    def whole(self) -> Moments:
        """Every replicate, in one row."""
        return replace(self._whole, mean=self._origin + self._whole.mean)

    def _block(self, g: Tensor | Sequence[Tensor], direction: Tensor | None) -> Block:
        """What `add` is given; the mean of the first block becomes the origin."""
        pieces = [piece.detach() for piece in ([g] if isinstance(g, Tensor) else g)]
        if self._origin is None:  # the bits of pieces as of the whole
            self._origin = joined(pieces).mean(0, keepdim=True)
        return self.kind.of(pieces, self._origin, self.chunk, direction)

    def _append(self, new: Rows) -> None:
        """Take in rows of `chunk` replicates."""
        each = self.row_size // self.chunk
        if self._waiting:
            missing = each - self._waiting
            self._wait(new[:missing])
            new = new[missing:]
        full = len(new) // each * each
        if full:
            self._grow(new[:full].merged(each))
        if full < len(new):
            self._wait(new[full:])
        while self._rows is not None and len(self._rows) > self.limit:
            self._double()

    def _wait(self, new: Rows) -> None:
        """Put rows into `rest`, and `rest` among the rows once it is as full as they are."""
        both = new if self.rest is None else self.rest + new
        self.rest = both.merged(len(both))
        self._waiting += len(new)
        if self._waiting * self.chunk == self.row_size:
            self._grow(self.rest)
            self.rest, self._waiting = None, 0

    def _grow(self, rows: Rows) -> None:
        self._rows = rows if self._rows is None else self._rows + rows

    def _double(self) -> None:
        even = len(self._rows) - len(self._rows) % 2
        odd = self._rows[even:]
        self._rows = self._rows[:even].merged(2)
        if len(odd):
            both = odd if self.rest is None else odd + self.rest
            self.rest = both.merged(len(both))
            self._waiting += self.row_size // self.chunk
        self.row_size *= 2


def compiled_table() -> type[Table]:
    """Tables with compiled sums, the same to rounding, where a C compiler is; else `Table`."""
    from benchmarks.statistics.compiled_table import CompiledTable

    return CompiledTable if c_loops.available() else Table
